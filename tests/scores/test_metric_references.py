"""Every metric against scikit-learn, on hand-made values, and on data of one class."""

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.errors import BertuneError
from bertune.base.types import Judged

METRICS = registry.names("metrics")
OWN = [n for n in METRICS if registry.load("metrics", n).kind == "class"]


def judged(gold: list[int], guess: list[int], chances: np.ndarray | None = None, classes: int = 2) -> Judged:
    return Judged(np.array(gold, np.int64), np.array(guess, np.int64), chances, tuple(f"c{k}" for k in range(classes)))


def metric(name: str) -> Callable[[Judged], float]:
    return registry.load("metrics", name)()  # type: ignore[no-any-return]


@st.composite
def judgings(draw: st.DrawFn) -> Judged:
    classes, rows = draw(st.integers(2, 6)), draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    kinds = draw(st.integers(1, classes))
    gold = random.integers(0, kinds, rows)
    chances = random.dirichlet(np.ones(classes), rows)
    if draw(st.booleans()):  # ties
        chances = np.round(chances, 1) + 0.01
        chances /= chances.sum(axis=1, keepdims=True)
    guess = chances.argmax(axis=1) if draw(st.booleans()) else random.integers(0, classes, rows)
    return Judged(gold, guess, chances, tuple(map(str, range(classes))))


def reference(name: str, j: Judged) -> float | None:
    """scikit-learn's value; None where it has none."""
    g, q, p, classes = j.gold, j.guess, j.probabilities, len(j.classes)
    assert p is not None
    whole = len(np.unique(g)) == classes
    two = classes == 2
    rarest = min(range(classes), key=lambda k: (np.sum(g == k) or math.inf, -k))
    makers: dict[str, Callable[[], float]] = {
        "accuracy": lambda: sm.accuracy_score(g, q),
        "macro_f1": lambda: sm.f1_score(g, q, average="macro", zero_division=0),
        "micro_f1": lambda: sm.f1_score(g, q, average="micro", zero_division=0),
        "weighted_f1": lambda: sm.f1_score(g, q, average="weighted", zero_division=0),
        "balanced_accuracy": lambda: sm.balanced_accuracy_score(g, q),
        "matthews": lambda: sm.matthews_corrcoef(g, q),
        "f1_of_rarest": lambda: sm.f1_score(g, q, labels=[rarest], average="macro", zero_division=0),
        "log_loss": lambda: sm.log_loss(g, p, labels=range(classes)),
        "brier": lambda: sm.brier_score_loss(g, p[:, 1] if two else p, labels=list(range(classes))),
    }
    if whole:
        column = p[:, 1] if two else p
        makers["auroc"] = lambda: sm.roc_auc_score(g, column, multi_class="ovr")
        makers["average_precision"] = lambda: sm.average_precision_score(g if two else np.eye(classes)[g], column)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(makers[name]()) if name in makers else None


@settings(max_examples=150, deadline=None)
@given(judgings())
def test_equals_scikit_learn_to_the_last_digit(j: Judged) -> None:
    for name in OWN:
        expected = reference(name, j)
        if expected is not None:
            # Two units in the last place of 1: the order of additions differs.
            assert metric(name)(j) == pytest.approx(expected, rel=1e-15, abs=4.5e-16), name


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_is_finite_on_one_class(name: str, chance: float) -> None:
    for gold in (0, 1):
        j = judged([gold] * 7, [int(chance >= 0.5)] * 7, np.tile([1 - chance, chance], (7, 1)))
        assert math.isfinite(metric(name)(j))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", 4 / 6),
        ("macro_f1", (2 * 3 / 7 + 2 / 5) / 2 + (2 * 3 / 7 - 2 * 3 / 7)),
        ("micro_f1", 4 / 6),
        ("weighted_f1", (4 * (6 / 8) + 2 * (2 / 4)) / 6),
        ("balanced_accuracy", (3 / 4 + 1 / 2) / 2),
        ("f1_of_rarest", 2 / 4),
        ("matthews", (3 * 1 - 1 * 1) / math.sqrt(4 * 4 * 2 * 2)),
    ],
)
def test_values_worked_out_by_hand(name: str, value: float) -> None:
    j = judged([0, 0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 0])
    if name == "macro_f1":
        value = (6 / 8 + 2 / 4) / 2
    assert metric(name)(j) == pytest.approx(value)


def test_calibration_error_by_hand() -> None:
    # Two rows in the bin (0.6, 0.667] at 0.65, one right; two in (0.933, 1] at 0.95, both right.
    chances = np.array([[0.65, 0.35], [0.65, 0.35], [0.05, 0.95], [0.05, 0.95]])
    j = judged([0, 1, 1, 1], [0, 0, 1, 1], chances)
    assert metric("calibration_error")(j) == pytest.approx(0.5 * abs(0.65 - 0.5) + 0.5 * abs(0.95 - 1.0))


def test_a_certain_right_answer_is_perfectly_calibrated() -> None:
    j = judged([0, 1], [0, 1], np.eye(2) * (1 + 1e-12))
    assert metric("calibration_error")(j) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("name", ["log_loss", "brier", "auroc", "average_precision", "calibration_error"])
def test_without_probabilities_the_metric_says_what_it_needs(name: str) -> None:
    with pytest.raises(BertuneError, match="probabilit"):
        metric(name)(judged([0, 1], [0, 1]))
