"""The power is cut: whatever was not flushed may be lost, torn or reordered, and the run still ends the same."""

import random
from pathlib import Path
from typing import Any

import pytest
from power_loss import Change, Listening, rebuild, recorded, told
from resume_runs import FULL, Saving, begin, data_file, ending, recipe_of, same

from bertune.base.errors import ResumeError
from bertune.base.recipe import Recipe
from bertune.engine import checkpoint
from bertune.runs import train as training
from bertune.runs.command import not_taken, resume_command
from bertune.runs.telling import Silent

SHARES = [n / 24 for n in range(24)]


@pytest.fixture(autouse=True)
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is drawn from what is compared here."""
    monkeypatch.setattr(training._Journey, "_write_report", lambda self: None)


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory) -> tuple[Recipe, dict[str, Any], list[Change]]:
    """(recipe, ending, changes of the files) of a whole run with a checkpoint at each of its eight updates."""
    place = tmp_path_factory.mktemp("whole")
    (place / "disk").mkdir()
    recipe = recipe_of(data_file(place), tiny("bert"), *FULL)
    with recorded(place / "disk") as recorder:
        run = begin(recipe, place / "disk" / "run", Saving(), Listening(recorder)).path
    return recipe, ending(run), recorder.changes


def go_on(recipe: Recipe, out: Path) -> None:
    """What a person does after the power came back: resume, and where that says so, start it anew in the same folder."""
    try:
        resume_command(str(out), Silent())
    except ResumeError as error:
        assert error.next_move is not None and error.next_move.startswith("start"), error
        not_taken(out)
        begin(recipe, out)


def survives(whole, place: Path, moment: int, seed: int) -> None:
    recipe, expected, changes = whole
    place.mkdir()
    rebuild(changes[:moment], place, random.Random(f"{moment} {seed}"))
    out = place / "run"
    said = [name for name in told(changes[:moment]) if name.startswith("step-")]
    if said:
        newest, passed = checkpoint.newest_sound(out / "checkpoints")
        assert newest is not None and newest.name >= said[-1], (moment, seed, passed)
    go_on(recipe, out)
    assert same(expected, ending(out)) == [], (moment, seed)


@pytest.mark.parametrize("share", SHARES)
def test_power_cut_at_a_moment_of_the_run(whole, tmp_path: Path, share: float) -> None:
    """A checkpoint that was told is whole after the cut, and the run ends as if there had been none."""
    survives(whole, tmp_path / "disk", 1 + int(share * len(whole[2])), 0)
