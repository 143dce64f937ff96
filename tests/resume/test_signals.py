"""Ctrl-C, SIGTERM and a lost terminal in every phase: a clean end in time, and a resume to the same end.

Children signal themselves as they enter a function, so every phase is met for certain.
"""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from fork_server import Server
from resume_runs import FULL, begin, data_file, ending, recipe_of, resume, same, train_arguments

from bertune.engine import checkpoint
from bertune.engine.interrupt import Interrupted, Watch

PHASES = {
    "importing": ("bertune.cli.main:Lazy.get_command", 1),
    "entering": ("bertune.runs.journey:compute", 1),
    "reading": ("bertune.runs.rows:tables.read", 1),
    "checking": ("bertune.runs.journey:check", 1),
    "encoding": ("bertune.runs.build:write_store", 2),
    "building": ("bertune.runs.build:learner_of", 1),
    "training": ("bertune.engine.learner:Learner.update", 3),
    "saving": ("bertune.engine.checkpoint:save", 2),
    "beginning": ("bertune.runs.judge:predict", 1),
    "judging": ("bertune.runs.judge:predict", 3),
    "scoring": ("bertune.runs.judge:predict", 7),
    "baselines": ("bertune.runs.finish:Finish._baselines", 1),
    "suspects": ("bertune.runs.journey:write_suspects", 1),
    "model": ("bertune.runs.finish:save", 1),
    "report": ("bertune.runs.journey:write_report", 1),
    "clearing": ("bertune.runs.journey:Folder.clear", 1),
}
IN_TIME = 10.0  # seconds from the signal to the end of the process


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """(data, model, ending) of a run that was never stopped."""
    place = tmp_path_factory.mktemp("whole")
    data, model = data_file(place), tiny("bert")
    return data, model, ending(begin(recipe_of(data, model, *FULL), place / "run").path)


CASES = [
    *((phase, [signal.SIGTERM], 3) for phase in PHASES),
    *((phase, [signal.SIGINT], 130) for phase in ("reading", "training", "judging", "scoring")),
    *((phase, [signal.SIGINT, signal.SIGINT], 130) for phase in ("training", "saving", "judging")),
    ("training", [signal.SIGHUP], 3),
]


@pytest.mark.fault("signal")
@pytest.mark.parametrize("phase, signals, code", CASES,
                         ids=[f"{p}-{'-'.join(signal.Signals(n).name for n in s)}" for p, s, _ in CASES])  # fmt: skip
def test_a_signal_in_any_phase(
    whole, server: Server, tmp_path: Path, phase: str, signals: list[int], code: int
) -> None:
    data, model, expected = whole
    out, (target, call) = tmp_path / "run", PHASES[phase]
    child = server.start(
        train_arguments(data, model, out, *FULL), tmp_path / "log", at=target, call=call, signals=signals,
        no_report=phase != "report",
    )  # fmt: skip
    assert child.wait() == code, child.said
    assert child.seconds_since_signal() < IN_TIME
    assert "Traceback" not in child.said
    assert "stopped by a signal" in child.said
    if not (out / "recipe.toml").exists():
        assert phase in ("importing", "entering")
        begin(recipe_of(data, model, *FULL), out)
    elif json.loads((out / "run.json").read_text())["status"] != "done":
        assert f"bertune resume {out} goes on" in child.said
        resume(out)
    assert same(expected, ending(out)) == []


@pytest.mark.fault("signal")
@pytest.mark.parametrize(
    "target, call, step",
    [
        ("bertune.engine.learner:Learner.update", 3, 2),  # before its first portion: the update is left for later
        ("bertune.engine.learner:to_device", 8, 2),  # in its second portion of three
        ("bertune.engine.learner:to_device", 9, 3),  # in its last: the update is made
        ("bertune.engine.learner:Learner._apply", 3, 3),
        ("bertune.runs.judge:predict", 2, 2),  # the judging after step 2 is still due
    ],
)
def test_a_signal_keeps_what_is_whole(whole, server: Server, tmp_path: Path, target: str, call: int, step: int) -> None:
    data, model, expected = whole
    out = tmp_path / "run"
    server.start(train_arguments(data, model, out, *FULL), tmp_path / "log", at=target, call=call,
                 signals=[signal.SIGTERM]).wait()  # fmt: skip
    newest, passed = checkpoint.newest_sound(out / "checkpoints")
    assert newest is not None and newest.name == f"step-{step:06d}" and not passed
    assert json.loads((out / "run.json").read_text())["status"] == "stopped"
    resume(out)
    assert same(expected, ending(out)) == []


@pytest.mark.fault("signal")
def test_a_signal_after_training_need_not_learn_again(whole, server: Server, tmp_path: Path) -> None:
    data, model, expected = whole
    out = tmp_path / "run"
    target, call = PHASES["scoring"]
    server.start(train_arguments(data, model, out, *FULL), tmp_path / "log", at=target, call=call,
                 signals=[signal.SIGTERM]).wait()  # fmt: skip
    child = server.start(["resume", out], tmp_path / "log2", at="bertune.engine.learner:Learner.update", call=1,
                         signals=[signal.SIGKILL], no_report=True)  # fmt: skip
    assert child.wait() == 0, child.said  # no update was made: it would have been killed
    assert same(expected, ending(out)) == []


def test_a_signal_that_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Watch() as watch:
            os.kill(os.getpid(), signal.SIGHUP)
            assert watch.caught is None
            watch.patient = True
            os.kill(os.getpid(), signal.SIGTERM)
            assert watch.caught == signal.SIGTERM
            with pytest.raises(Interrupted):
                watch.poll()
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.fault("two processes")
def test_two_processes_on_one_folder(whole, server: Server, tmp_path: Path) -> None:
    data, model, expected = whole
    out = tmp_path / "run"
    first = server.start(train_arguments(data, model, out, *FULL), tmp_path / "log", at="bertune.runs.judge:predict",
                         call=1, signals=[signal.SIGSTOP], no_report=True)  # fmt: skip
    while not (tmp_path / "log.clock").exists() and first.poll() is None:
        time.sleep(0.01)
    second = server.start(["resume", out], tmp_path / "log2")
    assert second.wait() == 2
    assert f"process {first.pid}" in second.said and "another process works" in second.said
    first.send(signal.SIGCONT)
    assert first.wait() == 0
    assert same(expected, ending(out)) == []
