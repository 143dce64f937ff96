"""The metrics of rankings against scikit-learn, and on rankings that are short, empty or hold one thing twice."""

from itertools import pairwise

import numpy as np
import pytest
import sklearn.metrics as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_specimens import objects

from bertune.base import registry
from bertune.base.types import Judged

NAMES = [name for name in registry.names("metrics") if registry.load("metrics", name).kind == "ranking"]
ITEMS = 14


def score(name: str, *rows: tuple[object, object]) -> float:
    gold, guess = objects(frozenset(g) for g, _ in rows), objects(tuple(q) for _, q in rows)
    return registry.load("metrics", name)()(Judged(gold, guess, None, ()))


@st.composite
def rankings(draw: st.DrawFn, most: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """(which items should be found [rows, items], the place of each item [rows, items] from 1)"""
    rows = draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    wanted = np.zeros((rows, ITEMS), bool)
    for row in wanted:
        row[random.choice(ITEMS, random.integers(1 if most == 1 else 0, most + 1), replace=False)] = True
    return wanted, np.array([random.permutation(ITEMS) + 1 for _ in range(rows)])


def _scored(name: str, wanted: np.ndarray, place: np.ndarray) -> float:
    rows = zip(wanted, place, strict=True)
    return score(name, *((np.flatnonzero(w).tolist(), np.argsort(p).tolist()) for w, p in rows))


@settings(max_examples=60)
@given(rankings())
def test_equals_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    wanted, place = pair
    for k in (1, 5, 10):
        expected = sm.recall_score(wanted, place <= k, average="samples", zero_division=0)
        assert _scored(f"recall_at_{k}", wanted, place) == pytest.approx(expected, rel=1e-13)
    assert _scored("ndcg_at_10", wanted, place) == pytest.approx(sm.ndcg_score(wanted, -place, k=10), rel=1e-13)


@settings(max_examples=40)
@given(rankings(most=1))
def test_one_thing_to_be_found_equals_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    wanted, place = pair
    expected = sm.label_ranking_average_precision_score(wanted, -place)
    assert _scored("mean_reciprocal_rank", wanted, place) == pytest.approx(expected, rel=1e-13)
    hit = sm.top_k_accuracy_score(wanted.argmax(axis=1), -place, k=5, labels=range(ITEMS))
    assert _scored("recall_at_5", wanted, place) == pytest.approx(hit, rel=1e-13)


@settings(max_examples=30)
@given(rankings())
def test_more_places_find_no_less(pair: tuple[np.ndarray, np.ndarray]) -> None:
    values = [_scored(f"recall_at_{k}", *pair) for k in (1, 5, 10)]
    assert all(a <= b for a, b in pairwise(values))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_wanted_or_nothing_found_is_0(name: str) -> None:
    assert score(name, ((), ("a",))) == score(name, (("a",), ())) == score(name, ((), ())) == 0.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("recall_at_1", (0 + 1 / 3) / 2),
        ("recall_at_5", (1 + 2 / 3) / 2),
        ("recall_at_10", (1 + 2 / 3) / 2),
        ("mean_reciprocal_rank", (1 / 2 + 1) / 2),
        ("ndcg_at_10", (1 / np.log2(3) + (1 + 1 / 2) / (1 + 1 / np.log2(3) + 1 / 2)) / 2),
    ],
)
def test_values_worked_out_by_hand(name: str, value: float) -> None:
    assert score(name, (["x"], ["y", "x"]), (["a", "b", "c"], ["a", "z", "b"])) == pytest.approx(value, rel=1e-13)


def test_what_is_found_twice_counts_at_its_first_place() -> None:
    row = (["a", "b"], ["a", "a", "b"])
    assert score("recall_at_5", row) == 1.0
    assert score("ndcg_at_10", row) == pytest.approx((1 + 1 / 2) / (1 + 1 / np.log2(3)))


def test_the_whole_list_counts_for_the_reciprocal_rank() -> None:
    assert score("mean_reciprocal_rank", ([99], range(200))) == pytest.approx(1 / 100)


def test_every_metric_of_rankings_is_tested_here() -> None:
    assert set(NAMES) == {"recall_at_1", "recall_at_5", "recall_at_10", "mean_reciprocal_rank", "ndcg_at_10"}
