"""Slices: the right rows, chances that equal SciPy's permutation tests, and few alarms where no slice is worse."""

import numpy as np
import pytest
import scipy.stats

from bertune.base import registry
from bertune.base.types import Judged
from bertune.evaluate.slices import MISSING, MOST, OTHERS, Slice, chances_below, holm, slices

TWO = ("ham", "spam")


def answered(right: np.ndarray, seed: int = 0) -> Judged:
    """Rows answered right or wrong, with probabilities that know a little of it."""
    random = np.random.default_rng(seed)
    gold = random.integers(0, 2, len(right))
    guess = np.where(right, gold, 1 - gold)
    chance = np.clip(np.where(guess == 1, 0.8, 0.2) + random.normal(0, 0.08, len(right)), 0.01, 0.99)
    return Judged(gold, guess, np.column_stack([1 - chance, chance]), TWO)


def test_slices_hold_the_rows_of_each_value() -> None:
    judged = Judged(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0, 1]), None, ("cat", "dog", "owl"))
    found = slices(judged, {"source": ["a", "a", "b", "b", "b", None]}, "accuracy", resamples=100)
    assert list(found["source"]) == ["b", "a", MISSING]  # the largest first
    assert [(s.score.value, s.score.n) for s in found["source"].values()] == [(1 / 3, 3), (0.5, 2), (0.0, 1)]
    assert all(s.few for s in found["source"].values())
    assert found["source"]["a"].as_json()["few_rows"] is True


def test_many_values_are_taken_together() -> None:
    judged = answered(np.ones(500, bool))
    column = [str(min(i, 499 - i)) for i in range(500)]
    found = slices(judged, {"id": column}, "accuracy", resamples=100)["id"]
    assert len(found) == MOST + 1 and found[OTHERS].score.n == 500 - 2 * MOST


def test_a_column_of_one_value_has_a_score_and_no_comparison() -> None:
    (one,) = slices(answered(np.ones(40, bool)), {"x": ["a"] * 40}, "accuracy", resamples=100)["x"].values()
    assert one.chance is None and not one.below and not one.few


@pytest.mark.parametrize("name", ["accuracy", "brier", "auroc"])
def test_chances_equal_those_of_scipy(name: str) -> None:
    random = np.random.default_rng(4)
    judged = answered(random.random(120) < np.where(np.arange(120) < 40, 0.8, 0.82), 5)
    codes = (np.arange(120) >= 40).astype(np.int64)
    part = registry.load("metrics", name)()

    def apart(inside, outside):
        return part(judged.take(inside.astype(int))) - part(judged.take(outside.astype(int)))

    rows = np.arange(120)
    side = "less" if part.best == "high" else "greater"
    wanted = scipy.stats.permutation_test((rows[:40], rows[40:]), apart, n_resamples=1500, alternative=side,
                                          vectorized=False, rng=np.random.default_rng(0)).pvalue  # fmt: skip
    found = chances_below(part, judged, codes, 3000, 0)
    assert found[0] == pytest.approx(wanted, abs=0.04)
    assert 0.02 < found[0] < 0.98 and found[0] + found[1] == pytest.approx(1.0, abs=0.15)


def test_a_metric_of_another_package_is_tested_by_its_rows() -> None:
    class Right:
        best = "high"

        def __call__(self, judged: Judged) -> float:
            return float(np.mean(judged.gold == judged.guess))

    judged = answered(np.arange(200) % 5 != 0)
    codes = (np.arange(200) % 4 == 0).astype(np.int64)
    own = chances_below(registry.load("metrics", "accuracy")(), judged, codes, 2000, 0)
    assert chances_below(Right(), judged, codes, 2000, 0) == pytest.approx(own, abs=0.05)


def test_holm_as_in_the_example_of_its_steps() -> None:
    # 0.01, 0.04, 0.03, 0.005 of four: 4 x 0.005, 3 x 0.01, 2 x 0.03, then never less than the one before.
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )
    assert holm({}) == {}


def test_a_weak_slice_is_found_and_only_that() -> None:
    random = np.random.default_rng(8)
    channel = random.choice(["mail", "chat", "phone", "fax"], 1200, p=[0.4, 0.3, 0.2, 0.1])
    judged = answered(random.random(1200) < np.where(channel == "fax", 0.72, 0.9), 8)
    found = slices(judged, {"channel": channel.tolist()}, "macro_f1", resamples=500)["channel"]
    assert [kind for kind, s in found.items() if s.below] == ["fax"]


def test_where_less_is_better_the_larger_loss_is_below() -> None:
    judged = answered(np.arange(400) >= 60)
    parts = ["late" if i >= 60 else "early" for i in range(400)]
    found = slices(judged, {"when": parts}, "log_loss", resamples=300)["when"]
    assert found["early"].below and not found["late"].below


@pytest.mark.slow
def test_alarms_are_few_where_no_slice_is_worse() -> None:
    random = np.random.default_rng(9)
    alarms = 0
    for seed in range(150):
        judged = answered(random.random(300) < 0.85, seed)
        columns = {name: random.integers(0, 6, 300).astype(str).tolist() for name in ("a", "b")}
        found = slices(judged, columns, "macro_f1", resamples=200, seed=seed)
        alarms += any(s.below for values in found.values() for s in values.values())
    assert alarms <= 15  # 5 % of 150 and three standard errors


def test_a_slice_knows_when_it_is_below() -> None:
    score = slices(answered(np.ones(40, bool)), {"x": ["a"] * 40}, "accuracy", resamples=100)["x"]["a"].score
    assert Slice(score, 0.05).below and not Slice(score, 0.051).below
