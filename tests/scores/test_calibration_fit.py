"""Temperature, reliability and thresholds."""

import numpy as np
import pytest

from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.types import Floats, Ints, Judged
from bertune.metrics._calibration import fit_temperature, reliability, softmax, tune_threshold


def drawn(rows: int, temperature: float, seed: int = 0) -> tuple[Floats, Ints]:
    """Logits whose true probabilities are softmax(logits / temperature), with gold drawn from them."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (rows, 4)) * temperature
    chance = softmax(logits / temperature)
    return logits, (chance.cumsum(axis=1) > random.random((rows, 1))).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5, 8.0])
def test_recovers_the_planted_temperature(temperature: float) -> None:
    logits, gold = drawn(20_000, temperature)
    assert fit_temperature(logits, gold) == pytest.approx(temperature, rel=0.05)


def test_temperature_lowers_the_calibration_error_and_keeps_the_answers() -> None:
    logits, gold = drawn(3000, 3.0)
    fitted = fit_temperature(*drawn(3000, 3.0, seed=1))
    error = registry.load("metrics", "calibration_error")()
    before, after = softmax(logits), softmax(logits, fitted)
    assert np.array_equal(before.argmax(axis=1), after.argmax(axis=1))
    judged = [Judged(gold, p.argmax(axis=1), p, tuple("abcd")) for p in (before, after)]
    assert error(judged[1]) < 0.03
    assert error(judged[0]) > 0.1


def test_few_rows_change_nothing() -> None:
    logits, gold = drawn(29, 5.0)
    assert fit_temperature(logits, gold) == 1.0


@pytest.mark.parametrize("scale", [0.0, 1e4, -1e4])
def test_temperature_is_finite_and_bounded_on_extreme_logits(scale: float) -> None:
    gold = np.arange(60) % 2
    found = fit_temperature(scale * np.eye(2)[gold], gold)
    assert 0.05 <= found <= 20.0


def test_softmax_is_safe_and_sums_to_one() -> None:
    found = softmax(np.array([[1e5, -1e5], [0.0, 0.0]]))
    assert np.allclose(found, np.array([[1.0, 0.0], [0.5, 0.5]]))


def test_reliability_bins_hold_every_row_and_give_the_calibration_error() -> None:
    logits, gold = drawn(500, 1.7)
    chance = softmax(logits)
    bins = reliability(chance, gold)
    assert sum(b.n for b in bins) == 500
    assert (bins[0].low, bins[-1].high, len(bins)) == (0.0, 1.0, 15)
    error = sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / 500
    judged = Judged(gold, chance.argmax(axis=1), chance, tuple("abcd"))
    assert error == pytest.approx(registry.load("metrics", "calibration_error")()(judged))
    assert all(b.low < b.confidence <= b.high for b in bins if b.n)


def test_reliability_puts_certainty_into_the_last_bin() -> None:
    bins = reliability(np.eye(2), np.array([0, 0]), bins=4)
    assert [b.n for b in bins] == [0, 0, 0, 2]
    assert (bins[3].confidence, bins[3].accuracy) == (1.0, 0.5)


def test_threshold_separates_what_can_be_separated() -> None:
    chance = np.array([0.1, 0.2, 0.22, 0.3, 0.35])
    gold = np.array([0, 0, 0, 1, 1])
    assert 0.22 < tune_threshold(chance, gold, registry.load("metrics", "macro_f1")()) <= 0.3


def test_threshold_stays_at_half_where_nothing_is_better() -> None:
    chance, gold = np.array([0.1, 0.4, 0.6, 0.9]), np.array([0, 0, 1, 1])
    assert tune_threshold(chance, gold, registry.load("metrics", "accuracy")()) == 0.5
    assert tune_threshold(np.full(5, 0.3), np.array([0, 0, 0, 1, 1]), registry.load("metrics", "accuracy")()) == 0.5


def test_threshold_is_never_worse_than_half_on_the_rows_it_saw() -> None:
    random = np.random.default_rng(0)
    chance = random.random(5000)
    gold = (random.random(5000) < chance**2).astype(np.int64)
    metric = registry.load("metrics", "macro_f1")()

    def at(threshold: float) -> float:
        return float(metric(Judged(gold, (chance >= threshold).astype(np.int64), None, ("0", "1"))))

    assert at(tune_threshold(chance, gold, metric)) > at(0.5)
    with pytest.raises(DataError, match="two classes"):
        tune_threshold(np.zeros((3, 2)), gold, metric)
