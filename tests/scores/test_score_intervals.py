"""Intervals cover as often as they say, pairs are told apart no oftener than they should, and seeds decide."""

import numpy as np
import pytest

from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.types import Judged, Score
from bertune.evaluate import resampling
from bertune.evaluate.intervals import difference, interval, verdict
from bertune.evaluate.resampling import FEWEST_RESAMPLES
from bertune.metrics._confusion import OfCounts

TWO = ("ham", "spam")


def world(random: np.random.Generator, rows: int, share: float, right: float) -> Judged:
    gold = (random.random(rows) < share).astype(np.int64)
    guess = np.where(random.random(rows) < right, gold, 1 - gold)
    chance = np.clip(np.where(guess == 1, 0.7, 0.3) + random.normal(0, 0.1, rows), 0.01, 0.99)
    return Judged(gold, guess, np.column_stack([1 - chance, chance]), TWO)


def metric(name: str) -> OfCounts:
    return registry.load("metrics", name)()  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("rows", "share", "right"), [(60, 0.5, 0.9), (200, 0.3, 0.8), (200, 0.5, 0.97), (1000, 0.2, 0.9)]
)
@pytest.mark.parametrize("name", ["accuracy", "macro_f1"])
def test_covers_the_truth_as_often_as_it_says(name: str, rows: int, share: float, right: float) -> None:
    random = np.random.default_rng(11)
    truth = metric(name)(world(random, 1_000_000, share, right))
    scores = [interval(metric(name), world(random, rows, share, right), 300, seed) for seed in range(500)]
    covered = np.mean([s.low <= truth <= s.high for s in scores])
    assert 0.925 <= covered <= 0.985  # 95 % less and more three standard errors of the simulation


def test_covers_for_rows_and_rankings_too() -> None:
    random = np.random.default_rng(12)
    for name in ("brier", "auroc"):
        truth = metric(name)(world(random, 500_000, 0.4, 0.85))
        scores = [interval(metric(name), world(random, 150, 0.4, 0.85), 200, seed) for seed in range(250)]
        assert 0.90 <= np.mean([s.low <= truth <= s.high for s in scores]) <= 0.985


def test_a_model_without_a_mistake_is_not_certain() -> None:
    gold = np.arange(60) % 2
    score = interval(metric("accuracy"), Judged(gold, gold, None, TWO), 2000, 0)
    assert (score.value, score.high, score.n) == (1.0, 1.0, 60)
    assert 0.93 < score.low < 0.98  # Jeffreys' interval for 60 of 60 starts at 0.959


def test_cells_and_rows_give_the_same_interval() -> None:
    class ByRows:
        def __call__(self, judged: Judged) -> float:
            return float(metric("macro_f1")(judged))

    judged = world(np.random.default_rng(5), 800, 0.3, 0.85)
    cells, rows = (interval(m, judged, 3000, 1) for m in (metric("macro_f1"), ByRows()))
    assert cells.value == rows.value
    assert cells.low == pytest.approx(rows.low, abs=0.004)
    assert cells.high == pytest.approx(rows.high, abs=0.004)


def test_weighted_rows_equal_taken_rows() -> None:
    judged = world(np.random.default_rng(6), 300, 0.3, 0.85)
    drawn = np.random.default_rng(7).integers(0, 300, 300)
    for name in ("auroc", "average_precision", "calibration_error"):
        part = registry.load("metrics", name)()
        weights = np.bincount(drawn, minlength=300).astype(np.float64)
        assert part.weighted(judged)(weights) == pytest.approx(part(judged.take(drawn)), rel=1e-9), name


@pytest.mark.parametrize("name", [n for n in registry.names("metrics") if registry.load("metrics", n).kind == "class"])
def test_interval_is_ordered_and_decided_by_the_seed(name: str) -> None:
    judged = world(np.random.default_rng(8), 90, 0.3, 0.8)
    part = registry.load("metrics", name)()
    first = interval(part, judged, 300, 4)
    assert first == interval(part, judged, 300, 4)
    assert first != interval(part, judged, 300, 5)
    assert first.low <= first.value <= first.high
    assert first.value == part(judged)
    one = interval(part, judged.take(np.zeros(9, np.int64)), 100, 0)
    assert one.low <= one.value <= one.high


def test_a_wider_level_is_wider() -> None:
    judged = world(np.random.default_rng(8), 200, 0.3, 0.8)
    narrow, wide = (interval(metric("accuracy"), judged, 1000, 0, level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize("rows", [40, 300])
def test_equal_models_are_seldom_told_apart(rows: int) -> None:
    random = np.random.default_rng(21)
    alarms = []
    for seed in range(400):
        a = world(random, rows, 0.4, 0.85)
        guess = np.where(random.random(rows) < 0.85, a.gold, 1 - a.gold)
        b = Judged(a.gold, guess, None, TWO)
        alarms.append(verdict(difference(metric("macro_f1"), a, b, 300, seed)) != "cannot tell")
    assert np.mean(alarms) <= 0.08  # 5 % and three standard errors


def test_a_better_model_is_told_and_signs_are_right() -> None:
    random = np.random.default_rng(22)
    good, poor = world(random, 500, 0.4, 0.95), None
    poor = Judged(good.gold, np.where(random.random(500) < 0.7, good.gold, 1 - good.gold), None, TWO)
    assert verdict(difference(metric("accuracy"), good, poor, 500, 0)) == "yes"
    assert verdict(difference(metric("accuracy"), poor, good, 500, 0)) == "no"
    same = difference(metric("accuracy"), good, good, 500, 0)
    assert same.value == 0.0
    assert verdict(same) == "cannot tell"


def test_where_less_is_better_the_verdict_turns() -> None:
    below = Score(-0.2, -0.3, -0.1, 50)
    assert (verdict(below), verdict(below, "low")) == ("no", "yes")


def test_pairs_are_compared_on_the_same_resamples() -> None:
    # b errs wherever a does and on ten rows more: pairing makes the difference far surer than the scores are.
    random = np.random.default_rng(23)
    a = world(random, 400, 0.5, 0.8)
    worse = a.guess.copy()
    worse[np.flatnonzero(a.guess == a.gold)[:16]] ^= 1
    b = Judged(a.gold, worse, None, TWO)
    gap = difference(metric("accuracy"), a, b, 1000, 0)
    alone = interval(metric("accuracy"), a, 1000, 0)
    assert verdict(gap) == "yes"
    assert gap.high - gap.low < 0.6 * (alone.high - alone.low)


def test_costly_metrics_get_fewer_resamples_but_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def costly(judged: Judged) -> float:
        calls.append(len(judged))
        return 0.5

    monkeypatch.setattr(resampling, "MOST_WORK", 1_000_000)
    judged = world(np.random.default_rng(1), 2, 0.5, 0.9).take(np.zeros(50_000, np.int64))
    interval(costly, judged, 1000, 0)
    assert len(calls) == FEWEST_RESAMPLES + 1


def test_no_rows_and_other_rows_are_refused() -> None:
    judged = world(np.random.default_rng(1), 20, 0.5, 0.9)
    with pytest.raises(DataError, match="no rows"):
        interval(metric("accuracy"), judged.take(np.zeros(0, np.int64)), 100, 0)
    with pytest.raises(DataError, match="same rows"):
        difference(metric("accuracy"), judged, judged.take(np.arange(19)), 100, 0)
    other = Judged(1 - judged.gold, judged.guess, None, TWO)
    with pytest.raises(DataError, match="other gold"):
        difference(metric("accuracy"), judged, other, 100, 0)
