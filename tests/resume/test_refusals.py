"""Anything that was changed between the stop and the resume is refused by its name, with exit code 2."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from resume_runs import Cut, begin, data_file, ending, recipe_of, resume, same

from bertune.base.errors import BertuneError, ResumeError
from bertune.cli.main import run as command_line
from bertune.runs.folder import Folder

Change = Callable[[Path], None]


def replace(name: str, old: str, new: str) -> Change:
    """A change of one file: `old` becomes `new`, once."""

    def change(place: Path) -> None:
        text = (place / name).read_text(encoding="utf-8")
        assert old in text
        (place / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def another_weight(place: Path) -> None:
    """One bit of the pretrained weights."""
    content = bytearray((place / "model" / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (place / "model" / "model.safetensors").write_bytes(bytes(content))


def other_version(place: Path) -> None:
    """As if the run had begun under another release of a library."""
    record = json.loads((place / "run" / "run.json").read_text())
    record["fingerprint"]["the version"]["torch"] = "2.0.0"
    (place / "run" / "run.json").write_text(json.dumps(record))


def other_device(place: Path) -> None:
    """As if the run had begun on another device."""
    record = json.loads((place / "run" / "run.json").read_text())
    record["fingerprint"]["the device"] = "cuda, Some GPU"
    (place / "run" / "run.json").write_text(json.dumps(record))


CHANGES: dict[str, tuple[Change, str]] = {
    "a text": (replace("rows.csv", "the", "teh"), "the data"),
    "a label": (replace("rows.csv", ",good", ",bad"), "the data"),
    "a row less": (lambda p: (p / "rows.csv").write_text("\n".join((p / "rows.csv").read_text().splitlines()[:-1])),
                   "the data"),
    "the tokenizer": (replace("model/tokenizer.json", '"lowercase": true', '"lowercase": false'), "the tokenizer"),
    "the weights": (another_weight, "the model"),
    "the model's config": (replace("model/config.json", '"hidden_dropout_prob": 0.1', '"hidden_dropout_prob": 0.2'),
                           "the model"),
    "threads": (replace("run/recipe.toml", "threads = 1", "threads = 2"), "the number of threads"),
    "seed": (replace("run/recipe.toml", "seed = 0", "seed = 1"), "the recipe (seed)"),
    "learning rate": (replace("run/recipe.toml", "learning_rate = 0.01", "learning_rate = 0.02"),
                      "the recipe (optimizer.learning_rate)"),
    "epochs": (replace("run/recipe.toml", "epochs = 2", "epochs = 3"), "the recipe (training.epochs)"),
    "a library": (other_version, "the version (torch)"),
    "the device": (other_device, "the device"),
}  # fmt: skip


@pytest.fixture(scope="module")
def stopped(tiny, tmp_path_factory):
    """A place with rows.csv, model/ and run/, stopped after its third update, that may be copied and changed."""
    place = tmp_path_factory.mktemp("stopped")
    shutil.copytree(tiny("bert"), place / "model")
    run = begin(recipe_of(data_file(place), place / "model"), place / "run", Cut("stepped", 3)).path
    return run.parent


def moved(stopped: Path, place: Path) -> Path:
    """A copy of the place, whose recipe names the copied data and model."""
    shutil.copytree(stopped, place, dirs_exist_ok=True)
    recipe = (place / "run" / "recipe.toml").read_text(encoding="utf-8")
    (place / "run" / "recipe.toml").write_text(recipe.replace(str(stopped), str(place)), encoding="utf-8")
    return place


def resumed(run: Path) -> int:
    """The exit code of bertune resume."""
    with pytest.raises(SystemExit) as end:
        command_line(["resume", str(run)])
    return int(end.value.code or 0)


@pytest.mark.fault("change")
@pytest.mark.parametrize("checkpoints", [True, False])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_refused_by_name(
    stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, checkpoints: bool
) -> None:
    place = moved(stopped, tmp_path)
    if not checkpoints:  # killed before the first of them: the run itself knows what it began with
        shutil.rmtree(place / "run" / "checkpoints")
    change, named = CHANGES[name]
    change(place)
    with pytest.raises(ResumeError) as refusal:
        resume(place / "run")
    assert f"{named}" in refusal.value.message and refusal.value.expected != refusal.value.found
    assert refusal.value.next_move
    if checkpoints and name in ("a text", "threads"):
        assert resumed(place / "run") == 2
        assert "cannot be continued exactly" in capsys.readouterr().err


@pytest.mark.fault("moved")
def test_moved_data_and_model_are_the_same_run(stopped: Path, tmp_path: Path) -> None:
    place = moved(stopped, tmp_path)
    (place / "run" / "recipe.toml").write_text(
        (place / "run" / "recipe.toml").read_text().replace("checkpoint_minutes = 10.0", "checkpoint_minutes = 1.0")
    )
    resume(place / "run")
    whole = begin(recipe_of(place / "rows.csv", place / "model"), tmp_path / "whole").path
    assert same(ending(whole), ending(place / "run")) == []


@pytest.mark.fault("moved")
def test_relative_paths_and_another_working_directory(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_file(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    begin(recipe_of(Path("rows.csv"), tiny("bert")), Path("run"), Cut("stepped", 3))
    whole = begin(recipe_of(Path("rows.csv"), tiny("bert")), Path("whole"))
    expected = ending(whole.path)
    monkeypatch.chdir(tmp_path / "elsewhere")
    resume(Path("../run"))
    assert same(expected, ending(tmp_path / "run")) == []


def test_a_finished_run_is_left_alone(stopped: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = moved(stopped, tmp_path)
    resume(place / "run")
    before = {p: p.stat().st_mtime_ns for p in (place / "run").rglob("*") if p.is_file()}
    assert resumed(place / "run") == 0
    assert "nothing to resume" in capsys.readouterr().err
    assert before == {p: p.stat().st_mtime_ns for p in (place / "run").rglob("*") if p.is_file()}


def test_no_run_and_no_recipe_say_how_to_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert resumed(tmp_path / "nothing") == 2
    assert "bertune train DATA --out" in capsys.readouterr().err
    (tmp_path / "early").mkdir()
    (tmp_path / "early" / "run.json").write_text('{"status": "preparing"}')
    assert resumed(tmp_path / "early") == 2
    assert "start it anew" in capsys.readouterr().err
    assert Folder(tmp_path / "early").empty  # so that train takes it


def test_a_damaged_record_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run.json").write_text('{"status": "runn')
    assert resumed(tmp_path) == 2
    assert "run.json is damaged" in capsys.readouterr().err


def test_bad_data_leaves_no_folder(tiny, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\n")
    with pytest.raises(BertuneError):
        begin(recipe_of(tmp_path / "rows.csv", tiny("bert")), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.fault("two processes")
def test_the_second_process_refuses(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "run")
    with folder.locked():
        with pytest.raises(BertuneError, match="another process works in this run folder") as refusal, folder.locked():
            pass
        assert refusal.value.found == f"process {os.getpid()}"
    with folder.locked():  # free again
        pass


@pytest.mark.fault("two processes")
def test_a_lock_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(str(os.getpid()))  # a number that lives, as after a restart of the machine
    with Folder(tmp_path).locked():
        assert (tmp_path / "lock").read_text() == str(os.getpid())
    assert not (tmp_path / "lock").exists()
