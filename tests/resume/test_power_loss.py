"""The power is cut: whatever was not flushed may be lost, torn or reordered, and the run still ends the same."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fault_count import Trial
from power_loss import Change, Listening, rebuild, recorded, told
from resume_runs import Saving, begin, data_file, ending, recipe_of, same, scratch

from bertune.base.errors import ResumeError
from bertune.base.recipe import Recipe
from bertune.engine import checkpoint
from bertune.runs import endings, journey
from bertune.runs.command import not_taken, resume_command
from bertune.runs.telling import Silent

SHARES = [n / 8 for n in range(8)]
Whole = tuple[Recipe, dict[str, Any], list[Change]]


@pytest.fixture(autouse=True)
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is drawn from what is compared here."""
    monkeypatch.setattr(journey.Journey, "_write_report", lambda self: None)


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory) -> Whole:
    """(recipe, ending, changes of the files) of a whole run with a checkpoint at each of its eight updates."""
    place = tmp_path_factory.mktemp("whole")
    (place / "disk").mkdir()
    recipe = recipe_of(data_file(place), tiny("bert"), "evaluation.suspects=true")
    with recorded(place / "disk") as recorder:
        run = begin(recipe, place / "disk" / "run", Saving(), Listening(recorder)).path
    return recipe, ending(run), recorder.changes


def go_on(recipe: Recipe, out: Path) -> None:
    """What a person does after the power came back: resume, and where that says so, start it anew."""
    try:
        resume_command(str(out), Silent())
    except ResumeError as error:
        assert error.next_move is not None and error.next_move.startswith("start"), error
        not_taken(out)
        begin(recipe, out)


def cut_off(changes: Sequence[Change], place: Path, seed: str) -> Path:
    """The run folder after a power cut. The newest checkpoint that the run had told of must be whole."""
    place.mkdir()
    rebuild(changes, place, random.Random(seed))
    said = [name for name in told(changes) if name.startswith("step-")]
    if said:
        newest, passed = checkpoint.newest_sound(place / "run" / "checkpoints")
        assert newest is not None and newest.name >= said[-1], (seed, said[-1], passed)
    return place / "run"


def survives(whole: Whole, place: Path, moment: int, seed: int) -> None:
    """Cut the power at a moment (a number of changes), go on, compare."""
    recipe, expected, changes = whole
    out = cut_off(changes[:moment], place, f"{moment} {seed}")
    go_on(recipe, out)
    assert same(expected, ending(out)) == [], (moment, seed)


def survives_twice(whole: Whole, place: Path, seed: int) -> None:
    """Cut the power at a random moment of the run, then at a random moment of the resume; go on, compare."""
    recipe, expected, changes = whole
    chance = random.Random(seed)
    out = cut_off(changes[: chance.randrange(1, len(changes))], place / "once", f"once {seed}")
    with recorded(place / "once") as recorder:
        go_on(recipe, out)
    again = recorder.changes[: chance.randrange(recorder.begun, len(recorder.changes) + 1)]
    out = cut_off(again, place / "twice", f"twice {seed}")
    go_on(recipe, out)
    assert same(expected, ending(out)) == [], seed


@pytest.mark.fault("power cut")
@pytest.mark.parametrize("share", SHARES)
def test_the_power_is_cut_in_the_run(whole: Whole, tmp_path: Path, share: float) -> None:
    survives(whole, tmp_path / "disk", 1 + int(share * len(whole[2])), 0)


@pytest.mark.slow
@pytest.mark.fault("power cut")
def test_the_power_is_cut_at_one_moment_after_the_other(whole: Whole, tmp_path: Path, trial: Trial) -> None:
    for moment in range(1, len(whole[2]) + 1, 4):
        with trial(), scratch(tmp_path) as place:
            survives(whole, place / "disk", moment, 1)


@pytest.mark.fault("power cut")
@pytest.mark.parametrize("every", [14, pytest.param(1, marks=pytest.mark.slow)])
def test_the_power_is_cut_as_a_run_ends_and_clears_up(tiny, tmp_path: Path, trial: Trial, every: int) -> None:
    """Checkpoints and encoded texts go once the run is done: what was removed may be there again, or half of it."""
    recipe = recipe_of(data_file(tmp_path), tiny("bert"), "training.keep_checkpoints=false")
    (tmp_path / "disk").mkdir()
    with recorded(tmp_path / "disk") as recorder:
        run = begin(recipe, tmp_path / "disk" / "run", Saving()).path
    assert not (run / "checkpoints").exists() and not (run / "store").exists()
    expected, changes = endings.ending(run), recorder.changes
    for moment in range(len(changes) - 71, len(changes) + 1, every):
        with trial(), scratch(tmp_path) as place:
            rebuild(changes[:moment], place, random.Random(moment))
            go_on(recipe, place / "run")
            assert endings.differences(expected, endings.ending(place / "run")) == (), moment
            resume_command(str(place / "run"), Silent())
            assert not (place / "run" / "checkpoints").exists() and not (place / "run" / "store").exists()


@pytest.mark.fault("power cut again")
@pytest.mark.parametrize("seed", range(3))
def test_the_power_is_cut_in_the_run_and_in_its_resume(whole: Whole, tmp_path: Path, seed: int) -> None:
    survives_twice(whole, tmp_path, seed)


@pytest.mark.slow
@pytest.mark.fault("power cut again")
def test_the_power_is_cut_twice_at_many_moments(whole: Whole, tmp_path: Path, trial: Trial) -> None:
    for seed in range(100, 130):
        with trial(), scratch(tmp_path) as place:
            survives_twice(whole, place, seed)


def test_a_run_that_flushes_nothing_does_not_survive(whole: Whole, tmp_path: Path) -> None:
    """The measure itself can fail: the same changes without the flushing lose what was told."""
    careless = [change for change in whole[2] if change.what != "flushed"]
    moment = next(n for n, change in enumerate(careless, 1) if change.what == "told" and n > len(careless) // 2)
    lost = 0
    for seed in range(8):
        try:
            cut_off(careless[:moment], tmp_path / str(seed), str(seed))
        except AssertionError:
            lost += 1
    assert lost >= 6
