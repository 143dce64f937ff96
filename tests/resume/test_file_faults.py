"""A file operation that fails, whichever it is, leaves a folder that can be resumed to the same end."""

from pathlib import Path

import pytest
from faulty_files import CHANGING, bad_disk, faults, full_disk
from resume_runs import Saving, begin, data_file, ending, recipe_of, resume, same

from bertune.base.files import FILES, Files

EPOCH = ("training.epochs=1", "evaluation.per_epoch=1")


@pytest.fixture(scope="module")
def counted(tiny, tmp_path_factory):
    """(recipe, ending, operations) of a whole run with a checkpoint at each of its four updates."""
    place = tmp_path_factory.mktemp("counted")
    recipe = recipe_of(data_file(place), tiny("bert"), *EPOCH)
    with faults(None) as files:
        run = begin(recipe, place / "run", Saving()).path
        seen = list(files.seen)
    return recipe, ending(run), seen


def test_every_kind_of_operation_is_counted(counted) -> None:
    assert set(counted[2]) >= set(CHANGING) - {"truncate"}
    assert type(FILES) is Files


POINTS = [0.0, 0.05, 0.12, 0.2, 0.27, 0.33, 0.41, 0.48, 0.55, 0.63, 0.7, 0.8, 0.9, 0.97]


@pytest.mark.parametrize("share", POINTS)
def test_a_full_disk_at_any_operation(counted, tmp_path: Path, share: float) -> None:
    """Shares of all operations of the run, from its first file to its last; the fault comes once or stays."""
    recipe, expected, seen = counted
    number, lasting = 1 + int(share * len(seen)), POINTS.index(share) % 2 == 0
    fault = full_disk if POINTS.index(share) % 3 else bad_disk
    out = tmp_path / "run"
    with faults(number, lasting=lasting, fault=fault), pytest.raises(OSError):
        begin(recipe, out, Saving())
    if (out / "recipe.toml").exists():
        resume(out, Saving())
    else:
        begin(recipe, out, Saving())
    assert same(expected, ending(out)) == []


@pytest.mark.parametrize("number", [1, 4, 9])
def test_a_fault_while_recovering(counted, tmp_path: Path, number: int) -> None:
    """The disk fails in the run, again in its resume, and again in the next."""
    recipe, expected, seen = counted
    out = tmp_path / "run"
    with faults(len(seen) // 2), pytest.raises(OSError):
        begin(recipe, out, Saving())
    for _ in range(2):
        with faults(number, within="checkpoints"), pytest.raises(OSError):
            resume(out, Saving())
    resume(out, Saving())
    assert same(expected, ending(out)) == []
