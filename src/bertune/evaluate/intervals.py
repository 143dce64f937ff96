"""Intervals of scores and of differences between two judgings of the same rows, by seeded bootstrap.

The interval of a score holds the percentile interval of resampled rows (Efron and Tibshirani 1993, section 13.3) and
the same moved by twice the bias that the resamples show: macro-F1 on few rows a class, or a ranking, comes out other
than on many rows, and resampling does it once more. For accuracy and means the two are the same. What the rows cannot
show, a mistake that has not happened yet, comes from one imagined row where answers are classes (`resampling`). The
calibration error has its own way (`binned`). Coverage is measured in benchmarks/intervals.py; the figures stand in the
lab notebook.

The interval of a difference is the percentile interval of rows resampled in pairs. It is made to touch 0 where an
exchange of the answers, row by row, differs as much in more than 5 % of the times (`exchange`).
"""

from typing import Literal

import numpy as np

from bertune.base.errors import DataError
from bertune.base.types import Floats, Judged, Score
from bertune.evaluate.binned import binned_interval
from bertune.evaluate.exchange import chance_of
from bertune.evaluate.resampling import Metric, resampled
from bertune.metrics._confusion import Counts, OfCounts, count, f1
from bertune.metrics._probabilities import OfBins

Verdict = Literal["yes", "no", "cannot tell"]


def interval(metric: Metric, judged: Judged, resamples: int, seed: int, level: float = 0.95) -> Score:
    """The metric with its interval at `level`; the value always lies in the interval.

    Raises DataError where there are no rows.
    """
    _check(judged)
    value = metric(judged)
    if isinstance(metric, OfBins):
        return _score(value, *binned_interval(metric.binned(judged), resamples, seed, level), len(judged))
    low, high = _ends(metric, judged, np.asarray(value), resamples, seed, level)
    return _score(value, float(low), float(high), len(judged))


def class_intervals(judged: Judged, resamples: int, seed: int) -> list[Score]:
    """F1 of each class with its 95 % interval; `n` is the class's rows of gold."""
    _check(judged)
    counts = count(judged)
    values = f1(counts)
    low, high = _ends(_EachF1(), judged, values, resamples, seed, 0.95)
    every = zip(values.tolist(), low.tolist(), high.tolist(), counts.gold.tolist(), strict=True)
    return [_score(value, under, over, int(n)) for value, under, over, n in every]


class _EachF1(OfCounts):
    """F1 of every class at once: [..., classes]."""

    def of_counts(self, counts: Counts) -> Floats:
        return f1(counts)


def _ends(
    metric: Metric, judged: Judged, value: Floats, resamples: int, seed: int, level: float
) -> tuple[Floats, Floats]:
    """Both ends of the interval, of one value or of several [...]."""
    drawn = resampled(metric, (judged,), resamples, seed)
    values = drawn.values[0]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2], axis=0)
    bias = values[drawn.real].mean(axis=0) - value if drawn.real.any() else 0.0
    least, most = getattr(metric, "bounds", (-np.inf, np.inf))
    return np.maximum(least, np.minimum(low, low - 2 * bias)), np.minimum(most, np.maximum(high, high - 2 * bias))


def difference(metric: Metric, judged_a: Judged, judged_b: Judged, resamples: int, seed: int) -> Score:
    """The metric of a less that of b on the same rows, with its 95 % interval: both see the same resampled rows.

    The interval leaves 0 out only where the exchange test at 5 % tells the two apart too.
    Raises DataError where the two are not judgings of the same rows.
    """
    _check(judged_a)
    if len(judged_a) != len(judged_b) or not np.array_equal(judged_a.gold, judged_b.gold):
        raise DataError(
            "two judgings can be compared only on the same rows.",
            expected=f"{len(judged_a):,} rows with the same gold",
            found=f"{len(judged_b):,} rows" + (" with other gold" if len(judged_a) == len(judged_b) else ""),
        )
    a, b = resampled(metric, (judged_a, judged_b), resamples, seed).values
    low, high = np.quantile(a - b, [0.025, 0.975])
    if low * high > 0 and chance_of(metric, judged_a, judged_b, resamples, seed) > 0.05:
        low, high = min(low, 0.0), max(high, 0.0)
    return _score(metric(judged_a) - metric(judged_b), low, high, len(judged_a))


def verdict(difference: Score, best: str = "high") -> Verdict:
    """Whether a is better than b: the interval of a - b lies beyond 0 on the good side, on the bad side, or holds 0.

    `best` is the metric's own: "low" where less is better, as for log loss.
    """
    low, high = (difference.low, difference.high) if best == "high" else (-difference.high, -difference.low)
    return "yes" if low > 0 else "no" if high < 0 else "cannot tell"


def _check(judged: Judged) -> None:
    if not len(judged):
        raise DataError("there are no rows to score.", expected="at least one labelled row", found="none")


def _score(value: float, low: float, high: float, n: int) -> Score:
    return Score(float(value), min(float(low), float(value)), max(float(high), float(value)), n)
