"""Decisions found in bf16 are those of float32: rows near a border are computed again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.types import Answers, Examples, Tuned
from bertune.data.store import in_memory
from bertune.data.tokenizer import Encoded
from bertune.evaluate import guarded as module
from bertune.evaluate.guarded import FEW, SAFE, guarded
from bertune.tasks.multi_label import MultiLabel
from bertune.tasks.multiple_choice import MultipleChoice
from bertune.tasks.regression import Regression
from bertune.tasks.text_classification import TextClassification

CUTS = {"cuts": {"lowest": 1, "bounds": [1.5, 2.25, 4.0]}}
# task, numbers of a row (choices: texts of a row with one number each), and how its answers are read
DECIDING = {
    "classes": (TextClassification(), 3, Tuned()),
    "threshold": (TextClassification(), 2, Tuned(threshold=0.31)),
    "labels": (MultiLabel(), 4, Tuned(more={"thresholds": [0.5, 0.1, 0.77, 0.5]})),
    "one threshold": (MultiLabel(), 2, Tuned()),
    "choices": (MultipleChoice(), 3, Tuned()),
    "grades": (Regression(low=1.2, high=4.5, rounding="whole"), 1, Tuned(more=CUTS)),
}
KINDS = pytest.mark.parametrize("kind", DECIDING)


def answers_of(kind, numbers):
    """numbers[rows, numbers of a row] as the answers of a task."""
    rows, width = numbers.shape
    if kind == "choices":
        return Answers(numbers.reshape(-1, 1), np.arange(rows + 1) * width)
    return Answers(numbers, np.arange(rows + 1))


def asked(kind, rows):
    more = {"choices": [["a", "b", "c"]] * rows} if kind == "choices" else {}
    return Examples(["text"] * rows, more=more)


def decisions(kind, numbers):
    task, _, tuned = DECIDING[kind]
    classes = ("1", "2", "3", "4")[: numbers.shape[1]]
    return task.decode(asked(kind, len(numbers)), None, answers_of(kind, numbers), classes, tuned).guess


def room(kind, answers):
    task, _, tuned = DECIDING[kind]
    return task.room(asked(kind, len(answers.starts) - 1), answers, tuned)


@KINDS
@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_no_decision_changes_within_its_room_and_some_do_beyond(kind, seed):
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(200, DECIDING[kind][1])) * 2 + (2 if kind == "grades" else 0)
    free = room(kind, answers_of(kind, numbers))
    assert free.shape == (200,)
    assert (free >= 0).all()
    signs = random.choice([-1.0, 1.0], size=numbers.shape)
    kept = decisions(kind, numbers + signs * (free * 0.999)[:, None])
    assert np.array_equal(kept, decisions(kind, numbers))
    changed = decisions(kind, numbers + signs * (free * 1.001 + 1e-9)[:, None])
    assert not np.array_equal(changed, decisions(kind, numbers)), "the room may not be smaller than it must"


def test_every_task_says_whether_it_decides():
    deciding = {name for name in registry.names("tasks") if registry.load("tasks", name)().decides}
    assert deciding == {
        "text_classification", "pair_classification", "multi_label", "multiple_choice", "relation_extraction",
    }  # fmt: skip
    assert Regression(rounding="whole").decides


class Machine:
    """Numbers of many rows, exact in float32 and off by up to `off` in bf16; notes what was asked in float32."""

    def __init__(self, kind, rows, off, seed=0):
        random = np.random.default_rng(seed)
        self.kind, self.width, self.asked = kind, DECIDING[kind][1], []
        self.exact = random.normal(size=(rows, self.width)) * 2 + (2 if kind == "grades" else 0)
        self.quick = self.exact + random.uniform(-off, off, self.exact.shape)
        texts = self.width if kind == "choices" else 1
        lengths = np.repeat(random.integers(1, 9, rows), texts)
        ids = np.arange(lengths.sum())  # no two rows are alike; a row is known by its first token
        owner = np.repeat(np.arange(rows), texts) if texts > 1 else None
        self.store = in_memory([Encoded(ids, None, lengths, owner)], np.zeros(rows, np.int64))
        self.number = {int(ids[start]): row for row, start in enumerate(self.store.starts[:-1][::texts].tolist())}

    def __call__(self, store, precision):
        first = store.starts[store.bounds("text")[:-1]]
        rows = [self.number[int(token)] for token in store.ids[first]]
        if precision == "fp32":
            self.asked += rows
        return answers_of(self.kind, (self.exact if precision == "fp32" else self.quick)[rows].copy())

    def guarded(self):
        return guarded(self.store, self, lambda found: room(self.kind, found))

    def decided(self, answers):
        return decisions(self.kind, answers.values.reshape(-1, self.width))


@KINDS
@pytest.mark.parametrize("seed", range(5))
def test_decisions_are_those_of_float32(kind, seed):
    machine = Machine(kind, 1000, off=0.03, seed=seed)
    found = machine.decided(machine.guarded())
    assert np.array_equal(found, decisions(kind, machine.exact))
    assert len(machine.asked) == len(set(machine.asked)) < 500, "a row is computed again once, and most never"


@KINDS
def test_a_guard_that_computes_nothing_again_is_seen(kind, monkeypatch):
    monkeypatch.setattr(module, "SAFE", 0.0)
    wrong = [
        not np.array_equal(machine.decided(machine.guarded()), decisions(kind, machine.exact))
        for machine in (Machine(kind, 1000, off=0.03, seed=seed) for seed in range(5))
    ]
    assert any(wrong)


def test_every_row_within_reach_of_the_largest_difference_is_exact():
    machine = Machine("classes", 1000, off=0.03)
    found = machine.guarded().values
    exact = np.isin(np.arange(1000), machine.asked)
    assert np.array_equal(found[exact], machine.exact[exact])
    assert np.array_equal(found[~exact], machine.quick[~exact])
    largest = np.abs(machine.quick - machine.exact)[exact].max()
    assert (room("classes", answers_of("classes", machine.quick))[~exact] > SAFE * largest).all()


def test_a_larger_difference_found_later_widens_the_reach():
    machine = Machine("classes", 1000, off=0.001)
    machine.exact[:20] = machine.quick[:20] = (0.0, 0.001, -5.0)
    machine.quick[:10] += 0.05  # so much more than the sample tells, and near the border as before
    machine.quick[10:20, 0] += 0.03  # another decision, farther from the border than the sample tells
    assert np.array_equal(machine.decided(machine.guarded()), decisions("classes", machine.exact))
    assert {*range(20)} <= {*machine.asked}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_computed_again(value):
    machine = Machine("classes", 300, off=0.01)
    machine.quick[::3] = value
    assert np.array_equal(machine.guarded().values, machine.exact)


def test_few_rows_are_float32():
    machine = Machine("classes", FEW, off=0.03)
    assert np.array_equal(machine.guarded().values, machine.exact)


def test_rows_of_the_same_tokens_get_the_same_answer():
    machine = Machine("classes", 400, off=0.03)
    machine.store = machine.store.take(np.tile(np.arange(400), 2))
    found = machine.guarded().values
    assert np.array_equal(found[:400], found[400:])
    assert len(machine.asked) == len(set(machine.asked))
