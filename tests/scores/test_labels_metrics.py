"""The metrics of several labels a row against scikit-learn, and where labels are rare or missing."""

from collections.abc import Callable

import numpy as np
import pytest
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.errors import BertuneError
from bertune.base.types import Judged

NAMES = [name for name in registry.names("metrics") if registry.load("metrics", name).kind == "labels"]


def judged(gold: object, guess: object, chances: np.ndarray | None = None) -> Judged:
    return Judged(np.array(gold, bool), np.array(guess, bool), chances, tuple(map(str, range(np.shape(gold)[1]))))


def score(name: str, j: Judged) -> float:
    return registry.load("metrics", name)()(j)


@st.composite
def judgings(draw: st.DrawFn) -> Judged:
    rows, classes = draw(st.integers(1, 40)), draw(st.integers(2, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    gold = random.random((rows, classes)) < draw(st.sampled_from([0.05, 0.3, 0.8]))
    chances = random.random((rows, classes))
    if draw(st.booleans()):  # some are equal
        chances = np.round(chances, 1)
    return judged(gold, random.random((rows, classes)) < 0.4 if draw(st.booleans()) else chances >= 0.5, chances)


def _per_label(of: Callable[..., float], j: Judged, among: list[int]) -> float:
    assert j.probabilities is not None
    return float(np.mean([of(j.gold[:, k], j.probabilities[:, k]) for k in among])) if among else 0.0


REFERENCES: dict[str, Callable[[Judged], float]] = {
    "labels_macro_f1": lambda j: sm.f1_score(j.gold, j.guess, average="macro", zero_division=0),
    "labels_micro_f1": lambda j: sm.f1_score(j.gold, j.guess, average="micro", zero_division=0),
    "labels_sample_f1": lambda j: sm.f1_score(j.gold, j.guess, average="samples", zero_division=0),
    "labels_exact_match": lambda j: sm.accuracy_score(j.gold, j.guess),
    "labels_hamming_loss": lambda j: sm.hamming_loss(j.gold, j.guess),
    "labels_average_precision": lambda j: _per_label(
        sm.average_precision_score, j, np.flatnonzero(j.gold.any(axis=0)).tolist()
    ),
    "labels_log_loss": lambda j: _per_label(
        lambda g, p: sm.log_loss(g, p, labels=[False, True]), j, list(range(j.gold.shape[1]))
    ),
}


def test_every_metric_of_labels_has_a_reference() -> None:
    assert set(NAMES) == set(REFERENCES)


@settings(max_examples=60)
@given(judgings())
def test_equals_scikit_learn(j: Judged) -> None:
    for name in NAMES:
        assert score(name, j) == pytest.approx(REFERENCES[name](j), rel=1e-13, abs=1e-14), name


def test_all_labels_in_gold_equal_scikit_learns_own_mean() -> None:
    random = np.random.default_rng(2)
    gold, chances = random.random((50, 4)) < 0.4, random.random((50, 4))
    found = score("labels_average_precision", judged(gold, chances >= 0.5, chances))
    assert found == pytest.approx(sm.average_precision_score(gold, chances, average="macro"), rel=1e-13)


def test_values_worked_out_by_hand() -> None:
    j = judged([[1, 0, 0], [1, 1, 0], [0, 0, 0]], [[1, 0, 0], [1, 0, 0], [0, 1, 0]])
    # Of the labels: 2 of 2 right; 0 of 1 found and 1 guessed; none at all. Of the rows: 1, 2/3 and 0.
    assert score("labels_macro_f1", j) == pytest.approx(1 / 3)
    assert score("labels_micro_f1", j) == pytest.approx(2 * 2 / (3 + 3))
    assert score("labels_sample_f1", j) == pytest.approx((1 + 2 / 3) / 3)
    assert score("labels_exact_match", j) == pytest.approx(1 / 3)
    assert score("labels_hamming_loss", j) == pytest.approx(2 / 9)


def test_a_label_that_nobody_has_is_left_out_of_average_precision_alone() -> None:
    chances = np.array([[0.9, 0.1], [0.2, 0.3]])
    j = judged([[1, 0], [0, 0]], [[1, 0], [0, 0]], chances)
    assert score("labels_average_precision", j) == 1.0
    assert score("labels_macro_f1", j) == 0.5


def test_certain_and_wrong_costs_36_nats() -> None:
    j = judged([[1, 0]], [[0, 0]], np.array([[0.0, 0.0]]))
    assert score("labels_log_loss", j) == pytest.approx(36.04 / 2, abs=0.01)


@pytest.mark.parametrize("name", ["labels_average_precision", "labels_log_loss"])
def test_without_probabilities_the_metric_says_what_it_needs(name: str) -> None:
    with pytest.raises(BertuneError, match="probabilit"):
        score(name, judged([[1, 0]], [[1, 0]]))
