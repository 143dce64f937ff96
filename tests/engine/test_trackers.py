"""Trackers get loss, learning rate, speed, scores and the final; they are optional and never end a run."""

import importlib.util
import sys
from types import ModuleType, SimpleNamespace

import pytest

from bertune.base import registry
from bertune.base.errors import MissingExtra
from bertune.engine.events import Evaluated, Started, Stepped, Stopped, Warn

NAMES = ("tensorboard", "mlflow", "wandb", "trackio")
RECIPE = {"seed": 0, "training": {"epochs": 2.0, "track": ["wandb"]}, "loss": {"name": "focal", "gamma": 2.0}}


class Record:
    """Keeps every call of a fake package: (name, positional, named)."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        def call(*args, **kwargs):
            self.calls.append((name, args, kwargs))

        return call

    def numbers(self):
        """{(name, step): value} however the package takes them."""
        found = {}
        for name, args, kwargs in self.calls:
            if name == "add_scalar":
                found[args[0], args[2]] = args[1]
            elif name in ("log", "log_metrics"):
                found |= {(key, kwargs["step"]): value for key, value in args[0].items()}
        return found

    def called(self, name):
        """The calls of one function."""
        return [(args, kwargs) for called, args, kwargs in self.calls if called == name]


def fake(name, monkeypatch):
    """Put a fake package in the place of a tracker's; gives what it is asked."""
    record = Record()
    module = ModuleType(name)
    if name == "tensorboard":
        writer = ModuleType("torch.utils.tensorboard.writer")
        writer.SummaryWriter = lambda **k: (record.calls.append(("SummaryWriter", (), k)), record)[1]
        monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", ModuleType("torch.utils.tensorboard"))
        monkeypatch.setitem(sys.modules, "torch.utils.tensorboard.writer", writer)
        return record
    if name == "mlflow":
        for function in ("set_experiment", "log_params", "log_metrics", "set_tag", "end_run"):
            setattr(module, function, getattr(record, function))
        run = SimpleNamespace(info=SimpleNamespace(run_id="abc"))
        module.start_run = lambda **k: (record.calls.append(("start_run", (), k)), run)[1]
    else:
        run = SimpleNamespace(id="abc", summary={}, log=record.log, finish=record.finish)
        module.init = lambda **k: (record.calls.append(("init", (), k)), run)[1]
    monkeypatch.setitem(sys.modules, name, module)
    return record


def stepped(step, loss=0.5):
    return Stepped(step, step / 10, loss, 1e-3, 1.5, 100.0, 2000.0, 3.0)


def play(tracker, first=0):
    """A short run; gives what the tracker answered."""
    answers = [tracker.on_started(Started(first, first / 10, 20, 2.0, 8, first > 0))]
    answers += [tracker.on_stepped(stepped(first + 1)), tracker.on_stepped(stepped(first + 2, 0.25))]
    answers.append(tracker.on_evaluated(Evaluated(first + 2, 0.2, "valid", {"macro_f1": 0.9}, 0.4, 2)))
    answers.append(tracker.on_stopped(Stopped(first + 2, 0.2, "all steps made", True, 90.0, 1800.0)))
    return answers


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_sent(name, monkeypatch, tmp_path):
    record = fake(name, monkeypatch)
    assert play(registry.load("callbacks", name)(tmp_path / "sms-1", RECIPE)) == [None] * 5
    numbers = record.numbers()
    assert numbers["train/loss", 1] == 0.5 and numbers["train/loss", 2] == 0.25
    assert numbers["train/learning_rate", 1] == 1e-3
    assert numbers["speed/tokens_per_second", 2] == 2000.0 and numbers["speed/texts_per_second", 2] == 100.0
    assert numbers["valid/macro_f1", 2] == 0.9 and numbers["valid/loss", 2] == 0.4
    assert numbers["final/texts_per_second", 2] == 90.0
    assert record.calls[-1][0] in ("close", "end_run", "finish")


@pytest.mark.parametrize("name", NAMES)
def test_the_recipe_is_sent(name, monkeypatch, tmp_path):
    record = fake(name, monkeypatch)
    play(registry.load("callbacks", name)(tmp_path / "sms-1", RECIPE))
    told = str(record.calls)
    for part in ("training.epochs", "loss.gamma", "focal"):
        assert part in told


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_package_is_named_with_its_remedy(name, monkeypatch, tmp_path):
    for module in (name, "torch.utils.tensorboard", "torch.utils.tensorboard.writer"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'bertune\[track-{name}\]'"):
        registry.load("callbacks", name)(tmp_path, RECIPE)


@pytest.mark.parametrize("name", NAMES)
def test_a_tracker_that_fails_is_told_once_and_the_run_goes_on(name, monkeypatch, tmp_path):
    fake(name, monkeypatch)
    tracker = registry.load("callbacks", name)(tmp_path / "sms-1", RECIPE)

    def fail(numbers, step):
        raise ConnectionError("secret host")

    tracker.send = fail
    answers = play(tracker)
    assert [type(a) for a in answers] == [type(None), Warn, type(None), type(None), type(None)]
    assert "ConnectionError" in answers[1].message and "secret" not in answers[1].message


def test_a_resumed_run_goes_on_in_the_same_place(monkeypatch, tmp_path):
    for name in ("mlflow", "wandb"):
        record = fake(name, monkeypatch)
        first = registry.load("callbacks", name)(tmp_path / "sms-1", RECIPE)
        play(first)
        second = registry.load("callbacks", name)(tmp_path / "sms-1", RECIPE)
        second.restore(first.state())
        play(second, first=2)
        begun = record.called("start_run") + record.called("init")
        assert "abc" not in begun[0][1].values() and "abc" in begun[1][1].values(), name
    record = fake("tensorboard", monkeypatch)
    play(registry.load("callbacks", "tensorboard")(tmp_path / "sms-1", RECIPE), first=2)
    assert record.called("SummaryWriter")[0][1]["purge_step"] == 3
    record = fake("trackio", monkeypatch)
    play(registry.load("callbacks", "trackio")(tmp_path / "sms-1", RECIPE), first=2)
    assert record.called("init")[0][1]["resume"] == "allow"


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_what_was_written(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    play(registry.load("callbacks", "tensorboard")(tmp_path / "sms-1", RECIPE))
    events = EventAccumulator(str(tmp_path / "sms-1" / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("train/loss")] == [(1, 0.5), (2, 0.25)]
    assert events.Scalars("valid/macro_f1")[0].value == pytest.approx(0.9)
