"""Checkpoints and run folders of format 1 load for ever or are refused by number; unknown numbers always are.

`golden/checkpoint-1` was written by the release that began format 1. If a test here fails because the format has
changed, give the new one the next number, keep the old folder, and say whether it loads or is refused.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from resume_runs import Cut, Saving, begin, data_file, ending, recipe_of, resume, same, some

from bertune.base.errors import ResumeError
from bertune.engine import checkpoint
from bertune.runs import folder as run_folder
from bertune.runs.command import resume_command
from bertune.runs.telling import Silent

GOLDEN = Path(__file__).parent / "golden" / "checkpoint-1"
GROUPS = {
    "model": {"weight": torch.arange(6.0).reshape(2, 3) / 7, "bias": torch.tensor([-0.5, 1e-30])},
    "optimizer": {"0.exp_avg": torch.full((2, 3), 0.1, dtype=torch.bfloat16), "0.step": torch.tensor(3.0)},
    "averages": {"weight": torch.zeros(2, 3), "empty": torch.zeros(0, 4)},
}
STATE = {"position": {"step": 3, "judging_due": False, "stop": None, "spent": [1.5, 24, 240]}, "attempt": 1,
         "best": None, "fingerprint": {"the data": "语"}}  # fmt: skip


@pytest.fixture(scope="module")
def stopped(tiny, tmp_path_factory):
    """(folder of a run stopped at step 6, ending of the whole run)."""
    place = tmp_path_factory.mktemp("stopped")
    recipe = recipe_of(data_file(place), tiny("bert"))
    expected = ending(begin(recipe, place / "whole").path)
    return begin(recipe, place / "run", Saving(), Cut("stepped", 6)).path, expected


def test_the_golden_checkpoint_of_format_1_loads() -> None:
    assert checkpoint.damage(GOLDEN) is None
    assert checkpoint.read_state(GOLDEN) == STATE
    for group, tensors in GROUPS.items():
        found = checkpoint.read_group(GOLDEN, group)
        assert found.keys() == tensors.keys()
        assert all(found[n].dtype == t.dtype and torch.equal(found[n], t) for n, t in tensors.items())


def test_format_1_is_what_is_written_today(tmp_path: Path) -> None:
    assert checkpoint.FORMAT == 1
    checkpoint.save(tmp_path / "step-000003", GROUPS, STATE)
    written = {p.name: p.read_bytes() for p in (tmp_path / "step-000003").iterdir()}
    assert written == {p.name: p.read_bytes() for p in GOLDEN.iterdir()}


def test_what_a_checkpoint_and_a_run_of_format_1_hold(stopped) -> None:
    """A key more or less may be another format: think before you change this list."""
    newest = stopped[0] / "checkpoints" / "step-000006"
    assert sorted(p.name for p in newest.iterdir()) == sorted(
        ["manifest.json", "state.json", *(f"{group}.safetensors" for group in GROUPS)]
    )
    assert sorted(checkpoint.read_state(newest)) == [
        "attempt", "best", "callbacks", "fingerprint", "most_rows", "optimizer", "position", "restarts",
        "schedule", "warnings"]  # fmt: skip
    record = json.loads((stopped[0] / "run.json").read_text())
    assert record["format"] == run_folder.FORMAT == 1
    assert {"status", "bertune", "seed", "fingerprint", "started", "test_openings", "versions"} <= set(record)


def renumbered(folder: Path, number: Any) -> None:
    """Make a checkpoint one of another format, with digests that fit."""
    state = json.loads((folder / "state.json").read_text())
    checkpoint.FILES.write_json(folder / "state.json", state | {"format": number})
    manifest = json.loads((folder / "manifest.json").read_text())
    about = {"bytes": (folder / "state.json").stat().st_size, "sha256": checkpoint.FILES.digest(folder / "state.json")}
    files = manifest["files"] | {"state.json": about}
    checkpoint.FILES.write_json(folder / "manifest.json", {"format": number, "files": files})


@pytest.mark.fault("other format")
@pytest.mark.parametrize("number", some([(n,) for n in (2, 0, 99, "1", None, [1])], every=3))
def test_a_checkpoint_of_an_unknown_format_is_refused_and_kept(stopped, tmp_path: Path, number: Any) -> None:
    run = Path(shutil.copytree(stopped[0], tmp_path / "run"))
    newest = run / "checkpoints" / "step-000006"
    renumbered(newest, number)
    before = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    with pytest.raises(ResumeError, match="another release") as refusal:
        resume(run)
    assert refusal.value.expected == "format 1" and refusal.value.found == f"format {number}"
    after = {p: p.read_bytes() for p in run.rglob("*") if p.is_file()}
    assert {p: b for p, b in before.items() if "checkpoints" in p.parts} == {
        p: b for p, b in after.items() if "checkpoints" in p.parts
    }
    renumbered(newest, 1)
    resume(run)
    assert same(stopped[1], ending(run)) == []


@pytest.mark.fault("other format")
@pytest.mark.parametrize("number", [0, 2, 99, "1", None])
def test_a_run_of_an_unknown_format_is_refused_before_anything_is_read(stopped, tmp_path: Path, number: Any) -> None:
    """Its recipe too may be of another kind: that must not be the reason that is given."""
    run = Path(shutil.copytree(stopped[0], tmp_path / "run"))
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"format": number}))
    (run / "recipe.toml").write_text("a key of another release = 1")
    with pytest.raises(ResumeError, match="begun by another release") as refusal:
        resume_command(str(run), Silent())
    assert refusal.value.expected == "format 1"
    assert refusal.value.found == f"format {number}, of bertune {record['bertune']}"


@pytest.mark.fault("other format")
def test_a_manifest_whose_number_alone_was_changed_is_damaged(stopped, tmp_path: Path) -> None:
    """Then the checkpoint before it is used, as with any damage."""
    run = Path(shutil.copytree(stopped[0], tmp_path / "run"))
    path = run / "checkpoints" / "step-000006" / "manifest.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 3'))
    teller = Silent()
    resume(run, teller=teller)
    assert ("resume", "from step 5 of 8") in teller.heard
    assert same(stopped[1], ending(run)) == []


def test_the_release_that_began_a_run_is_compared_too(stopped, tmp_path: Path) -> None:
    run = Path(shutil.copytree(stopped[0], tmp_path / "run"))
    record = json.loads((run / "run.json").read_text())
    record["fingerprint"]["the version"]["bertune"] = "0.0.1"
    (run / "run.json").write_text(json.dumps(record))
    with pytest.raises(ResumeError, match=r"the version \(bertune\)"):
        resume(run)
