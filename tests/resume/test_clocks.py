"""Clocks and time stamps that lie: which checkpoint is the newest is told by step and manifest alone."""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from resume_runs import Cut, Saving, begin, data_file, ending, recipe_of, resume, same, some

from bertune.engine import checkpoint
from bertune.engine.callbacks.interval_saving import IntervalSaving
from bertune.engine.events import Saved, Started, Stepped
from bertune.runs import journey

STAMPS: dict[str, Callable[[int], float]] = {
    "all equal": lambda step: 1e9,
    "reversed": lambda step: 2e9 - step * 3600,
    "before 1970": lambda step: -1e6 - step,
    "in the far future": lambda step: 4e9 - step,
}


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """(recipe, ending) of a run that was never stopped."""
    place = tmp_path_factory.mktemp("whole")
    recipe = recipe_of(data_file(place), tiny("bert"))
    return recipe, ending(begin(recipe, place / "run").path)


@pytest.mark.fault("time stamps")
@pytest.mark.parametrize("stamps", some([(stamps,) for stamps in STAMPS], every=2))
def test_time_stamps_decide_nothing(whole, tmp_path: Path, stamps: str) -> None:
    recipe, expected = whole
    run = begin(recipe, tmp_path / "run", Saving(), Cut("stepped", 5)).path
    found = checkpoint.found(run / "checkpoints")
    for folder in (*found, *checkpoint.found(run / "checkpoints", "best")):
        for path in (*folder.iterdir(), folder):
            os.utime(path, (STAMPS[stamps](checkpoint.step_of(folder)),) * 2)
    assert checkpoint.newest_sound(run / "checkpoints") == (found[0], []) and found[0].name == "step-000005"
    resume(run, Saving())
    assert [p.name for p in checkpoint.found(run / "checkpoints")] == ["step-000008", "step-000007"]
    assert same(expected, ending(run)) == []


def leaping() -> Iterator[float]:
    """Seconds of a clock that jumps years back and forth."""
    return (n + (-1) ** n * 3e8 for n in count())


@pytest.mark.fault("clocks")
@pytest.mark.parametrize("name", ["leaping", "still"])
def test_clocks_that_jump_change_nothing(whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """All clocks at once, in the run and in its resume, with checkpoints asked for by the minute."""
    seconds = leaping() if name == "leaping" else (1e9 for _ in count())

    def clock() -> float:
        return next(seconds)

    class Date(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=clock() % 1e9)

    recipe, expected = whole
    with monkeypatch.context() as broken:
        for clock_name in ("time", "monotonic", "perf_counter"):
            broken.setattr(time, clock_name, clock)
        broken.setattr(journey, "datetime", Date)
        run = begin(recipe.changed({"training.checkpoint_minutes": 0.01}), tmp_path / "run", Cut("stepped", 5)).path
        resume(run)
    assert same(expected, ending(run)) == []


def test_a_clock_that_falls_back_delays_no_checkpoint_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a jump back the interval is counted from the new time."""
    now = [5000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    saving = IntervalSaving(10)
    saving.on_started(Started(0, 0.0, 100, 2.0, 8))
    stepped = Stepped(1, 0.1, 0.5, 1e-3, 1.0, 1.0, 1.0, 1.0)
    now[0] += 599
    assert saving.on_stepped(stepped) is None
    now[0] += 1
    assert saving.on_stepped(stepped) is not None
    saving.on_saved(Saved(1, 0.1, "step-000001", "interval"))
    now[0] -= 4000
    assert saving.on_stepped(stepped) is None
    now[0] += 600
    assert saving.on_stepped(stepped) is not None
