"""A run stopped after any update, any number of times, ends as the run that was never stopped."""

from pathlib import Path

import pytest
from resume_runs import Cut, Saving, begin, data_file, ending, history, recipe_of, resume, same, weights

PER_EPOCH, STEPS = 4, 8  # 28 training rows in batches of 8, each in portions of 3 rows, 2 epochs


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """(recipe, ending) of a run that was never stopped."""
    place = tmp_path_factory.mktemp("whole")
    recipe = recipe_of(data_file(place), tiny("bert"))
    return recipe, ending(begin(recipe, place / "run").path)


def test_the_whole_run_is_as_planned(whole) -> None:
    events = whole[1]["history"]
    assert [e["step"] for e in events if e["event"] == "stepped"] == list(range(1, STEPS + 1))
    assert [e["step"] for e in events if e["event"] == "evaluated"] == [2, 4, 6, 8]


@pytest.mark.fault("stop")
@pytest.mark.parametrize("event, count", [("started", 1), *(("stepped", n) for n in range(1, STEPS + 1)),
                                          *(("evaluated", n) for n in range(1, 5))])  # fmt: skip
def test_stopped_anywhere_it_ends_the_same(whole, tmp_path: Path, event: str, count: int) -> None:
    recipe, expected = whole
    run = begin(recipe, tmp_path / "run", Cut(event, count)).path
    assert not (run / "scores.json").exists()
    assert len(history(run)) < len(expected["history"]) or (event, count) == ("evaluated", 4)
    resume(run)
    assert same(expected, ending(run)) == []


def test_another_seed_gives_another_run(whole, tmp_path: Path) -> None:
    recipe, expected = whole
    other = begin(recipe.changed({"seed": 1}), tmp_path / "run").path
    assert weights(other) != expected["weights"]
    assert history(other) != expected["history"]


@pytest.mark.fault("stop")
def test_three_stops_in_one_epoch(whole, tmp_path: Path) -> None:
    recipe, expected = whole
    run = begin(recipe, tmp_path / "run", Cut("stepped", 1)).path
    for _ in range(2):
        resume(run, Cut("stepped", 1))
    assert [e["step"] for e in history(run) if e["event"] == "stepped"] == [1, 2, 3]
    resume(run)
    assert same(expected, ending(run)) == []


def test_checkpoints_change_nothing(whole, tmp_path: Path) -> None:
    recipe, expected = whole
    assert same(expected, ending(begin(recipe, tmp_path / "run", Saving()).path)) == []
