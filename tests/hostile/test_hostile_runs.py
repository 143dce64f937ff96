"""Run folders of strangers: links that lead out, names that climb, records that are none."""

import json
import os
import shutil

import pytest
from bombs import BOMBS
from sandbox import command_line

from bertune.base.errors import DataError, ModelError, RecipeError, ResumeError
from bertune.base.sections import DataSection
from bertune.data.table import read
from bertune.engine import checkpoint
from bertune.evaluate.saved import read_about
from bertune.runs.folder import Folder
from tiny_models import csv_file

RECIPE = ["--set", "training.epochs=1", "--set", "evaluation.resamples=100", "--set", "evaluation.baselines=false",
          "--set", "evaluation.suspects=false"]  # fmt: skip

ABOUT = {
    "task": "text_classification", "classes": ["a", "b"], "columns": {"text": "text"}, "max_length": 64,
    "cleaning": ["nfc"], "missing": "drop", "fill": "", "temperature": 1.5, "threshold": None, "metric": "macro_f1",
    "bertune": "0.1.0", "format": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny):
    """A sound run, trained in the sandbox, and what that did outside its folder."""
    place = tmp_path_factory.mktemp("runs")
    data = csv_file(place / "rows.csv")
    done = command_line(place, ["train", str(data), "--model", str(tiny("bert")), "--out", str(place / "run"), *RECIPE])
    assert done.said == 0, done.err[-2000:]
    return place, done


def minimal(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text('{"status": "done"}')
    return run


def copied(trained, tmp_path):
    target = tmp_path / "run"
    shutil.copytree(trained[0] / "run", target)
    return target


@pytest.mark.slow
def test_training_touches_nothing_outside_its_folders(trained):
    """matplotlib asks the system for its fonts, once for each home folder."""
    assert [note for note in trained[1].notes if "'fc-list'" not in note[1]] == []


@pytest.mark.parametrize("name", ["lock", "history.jsonl", "checkpoints", "predictions", "run.json"])
def test_a_link_out_of_a_run_is_refused_and_what_it_leads_to_is_whole(name, tmp_path):
    run = minimal(tmp_path)
    victim = tmp_path / "victim"
    if name in ("checkpoints", "predictions"):
        (victim / "step-000001").mkdir(parents=True)
        shutil.rmtree(run / name, ignore_errors=True)
    else:
        victim.write_text('{"status": "done"}')
        (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(victim)
    before = sorted(str(p) for p in victim.rglob("*")) if victim.is_dir() else victim.read_text()
    with pytest.raises(ResumeError, match="leads out of the run folder"):
        Folder(run).record()
    with pytest.raises(ResumeError, match="leads out of the run folder"), Folder(run).locked():
        pass
    after = sorted(str(p) for p in victim.rglob("*")) if victim.is_dir() else victim.read_text()
    assert after == before


@pytest.mark.slow
def test_evaluating_a_run_with_a_linked_lock_leaves_the_file_behind_it_alone(trained, tmp_path):
    run = copied(trained, tmp_path)
    victim = tmp_path / "keys"
    victim.write_text("precious")
    (run / "lock").symlink_to(victim)
    done = command_line(tmp_path, ["evaluate", str(run), str(trained[0] / "rows.csv")])
    assert victim.read_text() == "precious"
    assert "could not be noted" in done.err or done.said == 2, done.err[-2000:]


def test_a_run_folder_that_is_itself_a_link_is_used(tmp_path):
    run = minimal(tmp_path)
    (tmp_path / "linked").symlink_to(run)
    assert Folder(tmp_path / "linked").record()["status"] == "done"


@pytest.mark.parametrize("text", ["[]", "3", '"x"', "{", "[" * 100_000, "null"])
def test_a_record_that_is_none_is_refused(text, tmp_path):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ResumeError, match=r"run\.json is damaged"):
        Folder(tmp_path).record()


@pytest.mark.parametrize("name", ["n" * 5000 + ".json", "../../secret", "/etc/hostname", "a/b", "..\\x", "C:x", ".."])
def test_a_manifest_that_names_files_elsewhere_is_damaged(name, tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"format": 1, "files": {name: {"bytes": 1, "sha256": ""}}}))
    assert "no file of the checkpoint" in (checkpoint.damage(tmp_path) or "")


@pytest.mark.parametrize("best", ["../other", "/etc", "best-1/../..", 3, ["best-1"]])
def test_best_weights_elsewhere_are_not_looked_at(best, tmp_path):
    folder = tmp_path / "step-000001"
    checkpoint.save(folder, {}, {"best": best, "position": {"step": 1}})
    assert checkpoint.damage(folder) is None
    newest, passed = checkpoint.newest_sound(tmp_path)
    assert newest is None
    assert "none of this run" in passed[0][1]


@pytest.mark.parametrize("position", [None, [], 3, "step", {"step": "1"}, {"step": 2}])
def test_a_checkpoint_that_holds_another_step_is_passed_over(position, tmp_path):
    checkpoint.save(tmp_path / "step-000001", {}, {"position": position})
    newest, passed = checkpoint.newest_sound(tmp_path)
    assert newest is None
    assert "it holds step" in passed[0][1]


@pytest.mark.parametrize(
    ("key", "value"),
    [("task", "../../evil"), ("task", ["text_classification"]), ("classes", "ab"), ("classes", ["a"]),
     ("classes", ["a", 1]),
     ("cleaning", ["evil"]), ("max_length", 10**12), ("max_length", "many"), ("temperature", "hot"), ("columns", []),
     ("threshold", [1]), ("metric", "evil"), ("format", 99), ("missing", None), ("code", "import os")],
)  # fmt: skip
def test_what_bertune_json_says_is_checked(key, value, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "bertune.json").write_text(json.dumps(ABOUT))
    assert read_about(model).task == "text_classification"
    (model / "bertune.json").write_text(json.dumps({**ABOUT, key: value}))
    with pytest.raises(ModelError):
        read_about(model)


@pytest.mark.slow
def test_predicting_with_a_run_touches_nothing_else(trained, tmp_path):
    run = copied(trained, tmp_path)
    (run / "model" / "evil.py").write_text("open('canary', 'w').close()\n")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    csv_file(tmp_path / "new.csv", rows=5)
    done = command_line(tmp_path, ["predict", str(run), str(tmp_path / "new.csv"), "--out", str(tmp_path / "out.csv")])
    assert done.said == 0, done.err[-2000:]
    assert done.notes == []
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["home", "new.csv", "out.csv", "run"]


@pytest.mark.slow
def test_a_bomb_given_to_predict_is_refused_without_a_traceback(trained, tmp_path):
    bomb = next(b for b in BOMBS if b.__name__ == "three_million_columns")(tmp_path)
    done = command_line(tmp_path, ["predict", str(trained[0] / "run"), str(bomb), "--out", str(tmp_path / "out.csv")])
    assert done.said == 2
    assert "Traceback" not in done.err
    assert "there are 3,000,000 columns" in done.err
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.skipif(os.name == "nt", reason="file names of any bytes are a matter of POSIX")
def test_a_name_that_is_no_text_is_refused(tmp_path):
    from bertune.runs.ask import ask

    with pytest.raises(RecipeError, match=r"data\.train +found .*expected UTF-8 text"):
        ask({"data": "a\udcff.csv"})
    for name in ("a\0b", "~nobody-of-that-name/x.csv", "x" * 5000):
        with pytest.raises(DataError, match=r"no such file|no path"):
            read(ask({"data": name}).data.train or "", DataSection())
