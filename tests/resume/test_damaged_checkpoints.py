"""A damaged checkpoint is noticed by its digest and told; the one before it is used, and the end is the same."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from fault_count import Trial
from resume_runs import Cut, Saving, begin, data_file, ending, recipe_of, resume, same, some

from bertune.base.errors import ResumeError
from bertune.engine import checkpoint
from bertune.runs.telling import Silent

FILES = ("model.safetensors", "optimizer.safetensors", "averages.safetensors", "state.json", "manifest.json")


def flip(path: Path) -> None:
    """One bit of a byte in the middle is another."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def truncate(path: Path) -> None:
    """The second half is gone."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def zero(path: Path) -> None:
    """The length is right, the content zeros: what a power cut may leave."""
    path.write_bytes(bytes(path.stat().st_size))


DAMAGES: dict[str, Callable[[Path], None]] = {
    "flip": flip, "truncate": truncate, "zero": zero, "empty": lambda path: path.write_bytes(b""),
    "delete": Path.unlink,
}  # fmt: skip


def foreign(folder: Path) -> None:
    """A file that the manifest does not name."""
    (folder / "step-000006" / "other.safetensors").write_bytes(b"\x00" * 100)


def leavings(folder: Path) -> None:
    """What systems and editors leave in folders, and what an earlier write left."""
    for name in (".DS_Store", "Thumbs.db", "state.json~", "model.safetensors.partial", "optimizer.bin"):
        (folder / "step-000006" / name).write_text("left here")
    (folder / "step-000006" / "folder").mkdir()


def copied_ahead(folder: Path) -> None:
    """A whole checkpoint under the name of a later step."""
    shutil.copytree(folder / "step-000005", folder / "step-000099")


def lookalikes(folder: Path) -> None:
    """Names that only look like those of checkpoints."""
    (folder / "step-000007").mkdir()
    (folder / "step-000008").write_text("a file")
    (folder / "step-000009.building").mkdir()
    for name in ("step-²", "step--1", "step-x", "step-", "Step-000042", "best-000042"):
        (folder / name).mkdir()


EXTRAS = {"foreign": foreign, "leavings": leavings, "copied ahead": copied_ahead, "lookalikes": lookalikes}


@pytest.fixture(scope="module")
def stopped(tiny, tmp_path_factory):
    """(folder of a run stopped at step 6 with checkpoints at 5 and 6, ending of the whole run)."""
    place = tmp_path_factory.mktemp("stopped")
    recipe = recipe_of(data_file(place), tiny("bert"))
    expected = ending(begin(recipe, place / "whole").path)
    run = begin(recipe, place / "run", Saving(), Cut("stepped", 6)).path
    assert [p.name for p in checkpoint.found(run / "checkpoints")] == ["step-000006", "step-000005"]
    return run, expected


def copied(run: Path, place: Path) -> Path:
    """A copy of a stopped run that may be damaged."""
    return Path(shutil.copytree(run, place / "run"))


@pytest.mark.fault("damaged file")
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_every_damage_of_every_file_is_named(stopped, tmp_path: Path, damage: str, name: str) -> None:
    newest = copied(stopped[0], tmp_path) / "checkpoints" / "step-000006"
    assert checkpoint.damage(newest) is None
    DAMAGES[damage](newest / name)
    problem = checkpoint.damage(newest)
    assert problem is not None
    assert name in problem or name == checkpoint.MANIFEST  # a flipped manifest may blame the file it speaks of
    found, passed = checkpoint.newest_sound(newest.parent)
    assert found is not None and found.name == "step-000005"
    assert passed == [("step-000006", problem)]


@pytest.mark.fault("damaged file, resumed")
@pytest.mark.parametrize("damage, name", some([(damage, name) for name in FILES for damage in DAMAGES], every=6))
def test_the_one_before_is_used_and_said(stopped, tmp_path: Path, damage: str, name: str) -> None:
    run = copied(stopped[0], tmp_path)
    DAMAGES[damage](run / "checkpoints" / "step-000006" / name)
    teller = Silent()
    resume(run, Saving(), teller=teller)  # saves step 6 anew, where the damaged one lies
    said = [text for topic, text in teller.heard if topic == "warning" and "step-000006" in text]
    assert len(said) == 1 and "the one before it is used" in said[0]
    assert name in said[0] or name == checkpoint.MANIFEST  # which may blame the file it speaks of
    assert ("resume", "from step 5 of 8") in teller.heard
    assert same(stopped[1], ending(run)) == []


@pytest.mark.fault("damaged manifest")
@pytest.mark.parametrize("every", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_every_bit_of_the_manifest_counts(stopped, tmp_path: Path, trial: Trial, every: int) -> None:
    """Only a flip that leaves the same JSON, in white space, may go unseen."""
    newest = copied(stopped[0], tmp_path) / "checkpoints" / "step-000006"
    path = newest / checkpoint.MANIFEST
    sound = path.read_bytes()
    for place in range(0, len(sound) * 8, every):
        content = bytearray(sound)
        content[place // 8] ^= 1 << place % 8
        path.write_bytes(bytes(content))
        with trial():
            assert checkpoint.damage(newest) is not None or json.loads(content) == json.loads(sound)


@pytest.mark.fault("extra file")
@pytest.mark.parametrize("extra", EXTRAS)
def test_what_does_not_belong_there_changes_nothing(stopped, tmp_path: Path, extra: str) -> None:
    """A file that the manifest does not name is never read; a folder that only looks like a checkpoint is passed over.

    The run goes on from the newest whole checkpoint and ends the same.
    """
    run = copied(stopped[0], tmp_path)
    EXTRAS[extra](run / "checkpoints")
    teller = Silent()
    resume(run, teller=teller)
    assert ("resume", "from step 6 of 8") in teller.heard
    assert same(stopped[1], ending(run)) == []


@pytest.mark.fault("damaged everywhere")
def test_all_damaged_starts_from_the_beginning_and_says_so(stopped, tmp_path: Path) -> None:
    run = copied(stopped[0], tmp_path)
    for folder in checkpoint.found(run / "checkpoints"):
        flip(folder / "model.safetensors")
    teller = Silent()
    resume(run, teller=teller)
    said = [text for topic, text in teller.heard if topic == "warning" and "is damaged" in text]
    assert len(said) == 2 and "starts from its beginning" in said[1]
    assert same(stopped[1], ending(run)) == []


@pytest.mark.fault("damaged everywhere")
def test_damaged_best_weights_are_made_anew(stopped, tmp_path: Path) -> None:
    run = copied(stopped[0], tmp_path)
    for folder in checkpoint.found(run / "checkpoints", "best"):
        flip(folder / "model.safetensors")
    teller = Silent()
    resume(run, teller=teller)
    assert any("the best weights it names" in text for _, text in teller.heard)
    assert same(stopped[1], ending(run)) == []


def test_a_checkpoint_that_was_passed_over_never_comes_back(tiny, tmp_path: Path) -> None:
    """Its best weights are made anew; were it still there it would be whole again, with the history of another past."""
    recipe = recipe_of(data_file(tmp_path), tiny("bert"))
    expected = ending(begin(recipe, tmp_path / "whole").path)
    run = begin(recipe, tmp_path / "run", Saving(), Cut("evaluated", 2)).path
    best = checkpoint.read_state(run / "checkpoints" / "step-000004")["best"]
    assert best == "best-000004"
    flip(run / "checkpoints" / best / "model.safetensors")

    class Broken(Saving):
        def on_started(self, event: object) -> None:
            raise RuntimeError("stopped before anything is saved")

    with pytest.raises(RuntimeError):
        resume(run, Broken())
    assert [p.name for p in checkpoint.found(run / "checkpoints")] == ["step-000003"]
    resume(run)
    assert same(expected, ending(run)) == []


def test_a_checkpoint_of_another_past_is_replaced(tmp_path: Path) -> None:
    """A run that fell back meets its own later checkpoints: sound, but with sizes of a history that is no more."""
    folder, weights = tmp_path / "step-000006", {"model": {"w": torch.arange(3.0)}}
    checkpoint.save(folder, weights, {"bytes": 10})
    first = (folder / "manifest.json").stat().st_ino
    checkpoint.save(folder, weights, {"bytes": 10})
    assert (folder / "manifest.json").stat().st_ino == first  # the same: left alone
    checkpoint.save(folder, weights, {"bytes": 11})
    assert checkpoint.read_state(folder) == {"bytes": 11}
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]


@pytest.mark.fault("damaged everywhere")
def test_best_weights_damaged_during_the_run_are_never_saved_as_the_model(tiny, tmp_path: Path) -> None:
    recipe = recipe_of(data_file(tmp_path), tiny("bert"))
    expected = ending(begin(recipe, tmp_path / "whole").path)

    class Worm(Saving):
        def on_stopped(self, event: object) -> None:
            for folder in checkpoint.found(tmp_path / "run" / "checkpoints", "best"):
                flip(folder / "model.safetensors")

    with pytest.raises(ResumeError, match="best weights were damaged"):
        begin(recipe, tmp_path / "run", Worm([]))
    assert not (tmp_path / "run" / "model").exists()
    resume(tmp_path / "run")
    assert same(expected, ending(tmp_path / "run")) == []


def test_a_history_that_was_cut_short_is_refused(stopped, tmp_path: Path) -> None:
    run = copied(stopped[0], tmp_path)
    truncate(run / "history.jsonl")
    with pytest.raises(ResumeError, match="history is shorter"):
        resume(run)
