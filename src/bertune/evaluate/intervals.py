"""Intervals of scores and of differences between two judgings of the same rows, by seeded bootstrap."""

from typing import Literal, Protocol

import numpy as np

from bertune.base import seeds
from bertune.base.errors import DataError
from bertune.base.types import Floats, Judged, Score

Verdict = Literal["yes", "no", "cannot tell"]


class Metric(Protocol):
    """What a metric is to this file."""

    def __call__(self, judged: Judged, /) -> float:
        """The metric of one judging."""
        ...


def interval(metric: Metric, judged: Judged, resamples: int, seed: int, level: float = 0.95) -> Score:
    """The metric with its interval at `level`."""
    if not len(judged):
        raise DataError("there are no rows to score.")
    values = _values(metric, (judged,), resamples, seed)[0]
    return _score(metric(judged), values, len(judged), level)


def difference(metric: Metric, judged_a: Judged, judged_b: Judged, resamples: int, seed: int) -> Score:
    """The metric of a less that of b on the same rows, with its 95 % interval."""
    a, b = _values(metric, (judged_a, judged_b), resamples, seed)
    return _score(metric(judged_a) - metric(judged_b), a - b, len(judged_a), 0.95)


def verdict(difference: Score) -> Verdict:
    """Whether a is better than b: the interval lies above 0, below, or holds it."""
    return "yes" if difference.low > 0 else "no" if difference.high < 0 else "cannot tell"


def _score(value: float, values: Floats, n: int, level: float) -> Score:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Score(float(value), min(float(low), value), max(float(high), value), n)


def _values(metric: Metric, judged: tuple[Judged, ...], resamples: int, seed: int) -> list[Floats]:
    random = seeds.generator(seed, "bootstrap")
    rows = len(judged[0])
    drawn = (random.integers(0, rows, rows) for _ in range(resamples))
    pairs = [[metric(j.take(d)) for j in judged] for d in drawn]
    return list(np.asarray(pairs, dtype=np.float64).T)
