"""How far probabilities can be believed, and the two numbers that mend them: temperature and threshold."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.special import softmax as _softmax

from bertune.base.errors import DataError
from bertune.base.types import Floats, Ints, Judged

FEWEST_ROWS = 30
COLDEST, HOTTEST = 0.05, 20.0


@dataclass(frozen=True)
class Bin:
    """One bin (low, high] of confidence: mean confidence and accuracy of its n rows (both 0 where it has none)."""

    low: float
    high: float
    confidence: float
    accuracy: float
    n: int

    def as_json(self) -> dict[str, float | int]:
        """The bin as plain values."""
        return asdict(self)


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities [rows, classes] of logits [rows, classes] divided by the temperature."""
    return np.asarray(_softmax(np.asarray(logits, dtype=np.float64) / temperature, axis=1))


def fit_temperature(logits: Floats, gold: Ints) -> float:
    """The temperature in [0.05, 20] that makes the gold classes likeliest; logits are to be divided by it.

    1.0 (change nothing) with fewer than 30 rows, or where no temperature betters the likelihood.
    logits[rows, classes] and gold[rows] must be of validation data.
    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, section 4.2.
    """
    logits = np.asarray(logits, dtype=np.float64)
    gold = np.asarray(gold, dtype=np.int64)
    if len(gold) < FEWEST_ROWS:
        return 1.0
    rows = np.arange(len(gold))

    def nll(log_temperature: float) -> float:
        return -float(log_softmax(logits / np.exp(log_temperature), axis=1)[rows, gold].mean())

    bounds = (np.log(COLDEST), np.log(HOTTEST))
    found = minimize_scalar(nll, bounds=bounds, method="bounded")
    return float(np.exp(found.x)) if found.fun < nll(0.0) else 1.0


def reliability(probabilities: Floats, gold: Ints, bins: int = 15) -> list[Bin]:
    """The reliability diagram: equal-width bins of the largest probability, from 0 to 1, empty ones too.

    The row-weighted mean of |confidence - accuracy| is the metric `calibration_error` (with its 15 bins).
    """
    confidence = np.asarray(probabilities, dtype=np.float64).max(axis=1)
    right = np.asarray(probabilities).argmax(axis=1) == np.asarray(gold)
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.digitize(confidence, edges[1:-1], right=True)
    n = np.bincount(place, minlength=bins)
    sure, hits = (np.bincount(place, weights=w, minlength=bins) / np.maximum(n, 1) for w in (confidence, right))
    return [Bin(float(edges[i]), float(edges[i + 1]), float(sure[i]), float(hits[i]), int(n[i])) for i in range(bins)]


def tune_threshold(probabilities: Floats, gold: Ints, metric: Callable[[Judged], float]) -> float:
    """The probability of the second of two classes from which it is answered: the best by a metric, in [0, 1].

    probabilities[rows] are those of the second class; rows at or above the threshold are answered with it. Only
    thresholds between neighbouring probabilities are tried (at most 1,000, evenly spread over the rows), 0.5 too; of
    equally good ones the nearest to 0.5 is taken. Must see validation data alone: the score it is tuned on is biased.
    """
    chance = np.asarray(probabilities, dtype=np.float64)
    if chance.ndim != 1:
        raise DataError(
            "a threshold is for two classes.", expected="probabilities of one class", found=f"shape {chance.shape}"
        )
    distinct = np.unique(chance)
    between = (distinct[1:] + distinct[:-1]) / 2
    between = between[np.unique(np.linspace(0, len(between) - 1, min(len(between), 1000)).astype(int))]
    tried = np.unique(np.append(between, 0.5))
    both = np.column_stack([1.0 - chance, chance])
    sign = 1.0 if getattr(metric, "best", "high") == "high" else -1.0
    scores = [sign * metric(Judged(gold, (chance >= t).astype(np.int64), both, ("0", "1"))) for t in tried]
    best = max(scores)
    return float(min((t for t, s in zip(tried, scores, strict=True) if s == best), key=lambda t: abs(t - 0.5)))
