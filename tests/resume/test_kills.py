"""Killed without warning, at file operations and at random moments: resumed, it ends the same."""

import random
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import pytest
from fault_count import Trial
from faulty_files import faults
from fork_server import Child, Server
from resume_runs import FULL, begin, data_file, ending, recipe_of, resume, same, scratch, train_arguments

from bertune.base.recipe import Recipe

OFTEN = "training.checkpoint_minutes=0.0001"  # a checkpoint at nearly every update


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """(recipe, ending, number of file operations, seconds) of a run that was never stopped."""
    place = tmp_path_factory.mktemp("whole")
    recipe = recipe_of(data_file(place), tiny("bert"), *FULL, OFTEN)
    began = time.perf_counter()
    with faults(None) as files:
        run = begin(recipe, place / "run").path
        operations = len(files.seen)
    assert '"reason": "interval"' in (run / "history.jsonl").read_text()  # a kill has something to fall back on
    return recipe, ending(run), operations, time.perf_counter() - began


def command(recipe: Recipe, out: Path) -> list[str]:
    """The command line of the run."""
    assert recipe.data.train is not None
    return train_arguments(Path(recipe.data.train), Path(recipe.model.name), out, *FULL, OFTEN)


def finish(recipe: Recipe, out: Path) -> None:
    """Resume a killed run; one that was killed before it had left a trace starts anew."""
    if (out / "recipe.toml").exists():
        resume(out)
    else:
        begin(recipe, out)


def killed_at(whole, server: Server, place: Path, operation: int) -> None:
    """Kill a run at one file operation (from 1), resume it to its end, compare."""
    recipe, expected, _, _ = whole
    place.mkdir(exist_ok=True)
    out = place / "run"
    child = server.start(command(recipe, out), place / "log", kill_at=operation, no_report=True)
    assert child.wait() == -signal.SIGKILL, child.said
    finish(recipe, out)
    assert same(expected, ending(out)) == [], f"killed at operation {operation}"


@pytest.mark.fault("kill at an operation")
@pytest.mark.parametrize("share", [0.0, 0.03, 0.2, 0.5, 0.8, 0.95])
def test_killed_at_a_file_operation(whole, server: Server, tmp_path: Path, share: float) -> None:
    killed_at(whole, server, tmp_path, 1 + int(share * whole[2]))


@pytest.mark.fault("kill at an operation")
@pytest.mark.slow
def test_killed_at_many_file_operations(whole, server: Server, tmp_path: Path, trial: Trial) -> None:
    """Every 17th of them; how many checkpoints fall into a run varies with its speed, so the last may not come."""
    for operation in range(1, whole[2] - 200, 17):
        with trial():
            killed_at(whole, server, tmp_path / str(operation), operation)


def killed_after(child: Child, seconds: float) -> bool:
    """Kill a child after a while; whether it was still at work."""
    time.sleep(seconds)
    child.send(signal.SIGKILL)
    return child.wait() == -signal.SIGKILL


def kills(whole, server: Server, place: Path, seed: int) -> int:
    """Kill a run and its first resume at random moments, resume it to its end; gives how many kills struck."""
    recipe, expected, _, seconds = whole
    chance, out = random.Random(seed), place / "run"
    place.mkdir()
    struck = killed_after(
        server.start(command(recipe, out), place / "log", no_report=True), chance.uniform(0.02, 1) * seconds
    )
    if (out / "recipe.toml").exists():
        struck += killed_after(
            server.start(["resume", out], place / "log2", no_report=True), chance.uniform(0.02, 0.7) * seconds
        )
    finish(recipe, out)
    assert same(expected, ending(out)) == []
    return int(struck)


@pytest.mark.fault("kill at random")
def test_killed_at_random_moments(whole, server: Server, tmp_path: Path, trial: Trial) -> None:
    assert randomly_killed(whole, server, tmp_path, trial, range(3)) >= 2


@pytest.mark.fault("kill at random")
@pytest.mark.slow
def test_killed_at_many_random_moments(whole, server: Server, tmp_path: Path, trial: Trial) -> None:
    assert randomly_killed(whole, server, tmp_path, trial, range(100, 130)) >= 20


def randomly_killed(whole, server: Server, place: Path, trial: Trial, seeds: Iterable[int]) -> int:
    """Runs killed twice, each in a scratch folder; gives how many kills struck."""
    struck = 0
    for seed in seeds:
        with trial(), scratch(place) as folder:
            struck += kills(whole, server, folder / str(seed), seed)
    return struck
