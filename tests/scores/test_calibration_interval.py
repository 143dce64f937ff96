"""The interval of the calibration error holds the true one, where resampled rows hold it almost never."""

import numpy as np
import pytest

from bertune.base.types import Floats, Judged
from bertune.evaluate.intervals import interval
from bertune.evaluate.resampling import resampled
from bertune.metrics._calibration import reliability, softmax
from bertune.metrics.calibration_error import CalibrationError


def sample(rows: int, seed: int, truth: float = 1.0) -> Judged:
    """Rows whose gold follows their probabilities to the power of `truth` (1: they are right)."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (rows, 3))
    real: Floats = softmax(logits * truth)
    gold = (real.cumsum(axis=1) > random.random((rows, 1))).argmax(axis=1)
    given = softmax(logits)
    return Judged(gold, given.argmax(axis=1), given, ("a", "b", "c"))


def test_bins_are_those_of_the_reliability_diagram() -> None:
    judged = sample(400, 0)
    assert judged.probabilities is not None
    bins, wanted = CalibrationError().binned(judged), reliability(judged.probabilities, judged.gold)
    assert bins.n.tolist() == [b.n for b in wanted]
    assert (bins.right / np.maximum(bins.n, 1)).tolist() == pytest.approx([b.accuracy for b in wanted])
    assert np.abs(bins.right - bins.confidence).sum() / 400 == pytest.approx(CalibrationError()(judged))


@pytest.mark.parametrize(("rows", "truth"), [(100, 1.0), (150, 0.6), pytest.param(500, 0.6, marks=pytest.mark.slow)])
def test_covers_the_true_error(rows: int, truth: float) -> None:
    metric = CalibrationError()
    true = metric(sample(400_000, 1, truth))
    found = [interval(metric, sample(rows, 10 + seed, truth), 200, seed) for seed in range(80)]
    assert np.mean([s.low <= true <= s.high for s in found]) >= 0.87  # 95 % less three standard errors
    assert np.mean([s.high - s.low for s in found]) < 0.25


def test_resampled_rows_alone_would_hold_it_almost_never() -> None:
    metric = CalibrationError()
    true = metric(sample(400_000, 1))
    held = []
    for seed in range(40):
        low, high = np.quantile(resampled(metric, (sample(200, seed),), 200, seed).values[0], [0.025, 0.975])
        held.append(low <= true <= high)
    assert np.mean(held) < 0.3


def test_the_lower_end_is_zero_where_all_may_be_chance_and_not_where_it_cannot_be() -> None:
    assert np.mean([interval(CalibrationError(), sample(100, seed), 200, 0).low == 0.0 for seed in range(40)]) > 0.85
    assert interval(CalibrationError(), sample(2000, 3, 0.4), 200, 0).low > 0.05


def test_one_row_and_one_bin_have_an_interval() -> None:
    judged = Judged(np.array([0]), np.array([0]), np.array([[1.0, 0.0]]), ("a", "b"))
    found = interval(CalibrationError(), judged, 100, 0)
    assert found.value == 0.0 and 0.0 <= found.low <= found.high <= 1.0
