"""The contract of callbacks: heard or refused, wishes carried out, weights untouched."""

import dataclasses
import json

import pytest
import torch
import workbench

from bertune.base import registry
from bertune.base.errors import MissingExtra
from bertune.engine.callbacks.early_stopping import EarlyStopping
from bertune.engine.callbacks.history import History
from bertune.engine.callbacks.interruption import Interruption
from bertune.engine.callbacks.interval_saving import IntervalSaving
from bertune.engine.callbacks.progress import Progress
from bertune.engine.callbacks.trouble import Trouble
from bertune.engine.driver import LISTENS, Callbacks, drive
from bertune.engine.events import Evaluated, Save, Saved, Started, Stepped, Stop, Stopped, Warn
from bertune.engine.interrupt import Watch
from bertune.engine.loop import Hooks, Position, loop

TRACKERS = ("tensorboard", "mlflow", "wandb", "trackio")


def run(made, *callbacks, judge_every=3, steps=8):
    """Drive the loop with callbacks; gives (the last event, what was saved, what was told)."""
    saved, told = [], []
    made.learner.steps = steps

    def judge(at, epoch):
        return Evaluated(at.step, epoch, "valid", {"accuracy": 0.5}, 0.7, 2)

    def save(at, wish):
        saved.append((at.step, wish.reason))
        return f"step-{at.step:06d}"

    hooks = Hooks(judge, save, lambda step: step % judge_every == 0 or step == steps, lambda w: told.append(w.code))
    stopped = drive(loop(made.learner, made.feed, hooks, Position()), Callbacks(callbacks))
    return stopped, saved, told


class Notes:
    """An observer that keeps every event."""

    def __init__(self):
        self.events = []

    def _note(self, event):
        self.events.append(event)

    on_started = on_stepped = on_evaluated = on_saved = on_stopped = _note


def test_a_misspelt_method_is_refused_when_added():
    class Misspelt:
        def on_steped(self, event):
            """Never called."""

    with pytest.raises(TypeError, match=r"Misspelt\.on_steped is never called; events call .*on_stepped"):
        Callbacks([Misspelt()])


def test_an_object_that_hears_nothing_is_refused():
    with pytest.raises(TypeError, match="hears no event"):
        Callbacks([object()])


def test_every_event_is_heard_in_order(tiny, sentences_csv):
    made, notes = workbench.bench(tiny(), sentences_csv), Notes()
    run(made, notes)
    kinds = [type(e) for e in notes.events]
    assert kinds[0] is Started and kinds[-1] is Stopped
    assert kinds.count(Stepped) == 8 and kinds.count(Evaluated) == 3
    assert [e.step for e in notes.events if isinstance(e, Evaluated)] == [3, 6, 8]
    steps = [e.step for e in notes.events]
    assert steps == sorted(steps)
    for event in notes.events:
        assert json.loads(json.dumps(event.as_json()))["event"] == type(event).__name__.lower()
        with pytest.raises(dataclasses.FrozenInstanceError):
            event.step = 99


def test_wishes_are_carried_out_and_recorded(tiny, sentences_csv):
    class Wisher:
        def on_stepped(self, event):
            if event.step == 2:
                return [Save("because"), Warn("beware", "something")]
            return Stop("enough") if event.step == 5 else None

    made, notes = workbench.bench(tiny(), sentences_csv), Notes()
    stopped, saved, told = run(made, Wisher(), notes)
    assert (stopped.reason, stopped.finished, stopped.step) == ("enough", True, 5)
    assert (2, "because") in saved and told == ["beware"]
    heard = [(e.step, e.checkpoint, e.reason) for e in notes.events if isinstance(e, Saved)]
    assert (2, "step-000002", "because") in heard
    assert max(e.step for e in notes.events if isinstance(e, Stepped)) == 5


def test_an_interruption_ends_at_once_and_is_not_finished(tiny, sentences_csv):
    watch = Watch()
    made = workbench.bench(tiny(), sentences_csv)

    class Signal:
        def on_stepped(self, event):
            if event.step == 4:
                watch.caught = 15

    stopped, saved, _ = run(made, Signal(), Interruption(watch))
    assert (stopped.step, stopped.finished) == (4, False)
    assert saved == [(4, "interrupted")]


def test_checkpoints_come_when_it_is_time(tiny, sentences_csv, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("bertune.engine.callbacks.interval_saving.time.monotonic", lambda: now[0])

    class Clock:
        def on_stepped(self, event):
            now[0] += 25.0

    _, saved, _ = run(workbench.bench(tiny(), sentences_csv), Clock(), IntervalSaving(1.0))
    assert [at for at, why in saved if why == "interval"] == [3, 6]


def check_observer(make, tiny_folder, csv) -> None:
    """Raises AssertionError unless weights are the same byte for byte with and without the callback."""
    results = []
    for callbacks in ([], [make]):
        made = workbench.bench(tiny_folder, csv, {"model.dropout": 0.2})
        run(made, *[c(made) for c in callbacks])
        results.append(made.weights())
    assert workbench.same_bytes(*results), "a callback changed the weights"


def makers(tmp_path):
    """How each callback of the door is made; a tracker that is not installed is left to its own test."""
    made = {
        "early_stopping": lambda: EarlyStopping("accuracy", True, 99, 0.0, True),
        "history": lambda: History(tmp_path / "history.jsonl"),
        "interruption": lambda: Interruption(Watch()),
        "interval_saving": lambda: IntervalSaving(10.0),
        "progress": lambda: Progress("none", "accuracy"),
        "trouble": lambda: Trouble([0.5, 0.5]),
    }
    for name in TRACKERS:
        try:
            registry.load("callbacks", name)(tmp_path / "run", {})
        except MissingExtra:
            continue
        made[name] = lambda name=name: registry.load("callbacks", name)(tmp_path / "run", {})
    return made


@pytest.mark.parametrize("name", registry.names("callbacks"))
def test_no_callback_changes_a_weight(tiny, sentences_csv, tmp_path, name):
    known = makers(tmp_path)
    if name in TRACKERS and name not in known:
        pytest.skip(f"{name} is not installed")
    assert name in known, "say how this callback is made"
    check_observer(lambda made: known[name](), tiny(), sentences_csv)


@pytest.mark.parametrize("name", registry.names("callbacks"))
def test_every_callback_names_its_methods_rightly(name):
    part = registry.load("callbacks", name)
    heard = [m for m in dir(part) if m.startswith("on_")]
    assert heard and set(heard) <= set(LISTENS)
    assert hasattr(part, "state") == hasattr(part, "restore")


def test_the_contract_rejects_a_callback_that_meddles(tiny, sentences_csv):
    class Meddler:
        def __init__(self, made):
            self.made = made

        def on_stepped(self, event):
            with torch.no_grad():
                self.made.model.network.classifier.weight.add_(1e-6)

    with pytest.raises(AssertionError, match="changed the weights"):
        check_observer(Meddler, tiny(), sentences_csv)


def test_random_numbers_drawn_by_a_callback_change_nothing(tiny, sentences_csv):
    class Gambler:
        def on_stepped(self, event):
            torch.rand(event.step)

    check_observer(lambda made: Gambler(), tiny(), sentences_csv)


def test_states_survive_json():
    stopping = EarlyStopping("f1", True, 3, 0.01, True)
    for step, value in enumerate([0.1, 0.5, 0.4], 1):
        stopping.on_evaluated(Evaluated(step, 0.0, "valid", {"f1": value}, 1.0, 2))
    trouble = Trouble([0.5, 0.5])
    trouble.broken, trouble.code = 2, "diverged"
    for old, new in ((stopping, EarlyStopping("f1", True, 3, 0.01, True)), (trouble, Trouble([0.5, 0.5]))):
        new.restore(json.loads(json.dumps(old.state())))
        assert vars(new) == vars(old)
