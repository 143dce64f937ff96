"""What every metric promises, and broken ones that the contract must refuse."""

import math
from typing import Any, ClassVar

import numpy as np
import pytest
from judged_specimens import SPECIMENS, dull, perfect

from bertune.base import registry
from bertune.base.types import Floats, Judged
from bertune.metrics._probabilities import OfRows, OfWeights
from bertune.metrics._sums import OfSums

ROWS = 40


def breaches(metric: Any) -> list[str]:
    """The promises that a metric breaks."""
    kind, found = getattr(metric, "kind", None), []
    if getattr(metric, "best", None) not in ("high", "low"):
        found.append("says not which end is best")
    if kind not in SPECIMENS:
        return [*found, "says not what it judges"]
    judged = SPECIMENS[kind](np.random.default_rng(3), ROWS)
    value = metric(judged)
    if any(not np.array_equal(x, y) for x, y in _columns(judged, SPECIMENS[kind](np.random.default_rng(3), ROWS))):
        found.append("changes its input")
        judged = SPECIMENS[kind](np.random.default_rng(3), ROWS)
    if not isinstance(value, float):
        found.append("gives no float")
    if not same(metric(judged.take(np.arange(ROWS)[::-1])), metric(judged)):
        found.append("depends on the order of the rows")
    least, most = getattr(metric, "bounds", (-np.inf, np.inf))
    best, sign = metric(perfect(kind, judged)), -1.0 if getattr(metric, "best", "") == "low" else 1.0
    if not all(least <= v <= most for v in (value, best)):
        found.append("leaves its bounds")
    if sign * best < sign * value:
        found.append("finds a perfect answer not best")
    drawn = np.random.default_rng(4).integers(0, ROWS, ROWS)
    if not same(redrawn(metric, judged, drawn), metric(judged.take(drawn))):
        found.append("is resampled as something else")
    return found + _on_dull_rows(metric, kind)


def _columns(a: Judged, b: Judged) -> list[tuple[Any, Any]]:
    return [(x, y) for x, y in ((a.gold, b.gold), (a.guess, b.guess), (a.probabilities, b.probabilities))
            if x is not None and y is not None]  # fmt: skip


def same(a: float, b: float) -> bool:
    """Whether two values differ by rounding alone."""
    return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-12)


def redrawn(metric: Any, judged: Judged, drawn: Any) -> float:
    """The metric of drawn rows in the way that its base class is resampled; of counts and others, the metric itself."""
    times = np.bincount(drawn, minlength=len(judged)).astype(np.float64)
    if isinstance(metric, OfRows):
        return float(metric.of_rows(judged)[drawn].mean())
    if isinstance(metric, OfSums):
        return float(metric.of_sums(times @ metric.entries(judged)))
    if isinstance(metric, OfWeights):
        return metric.weighted(judged)(times)
    return float(metric(judged.take(drawn)))


def _on_dull_rows(metric: Any, kind: str) -> list[str]:
    found = []
    for judged in dull(kind):
        try:
            if not math.isfinite(metric(judged)):
                found.append("not finite on dull rows")
        except (ArithmeticError, ValueError, IndexError):
            found.append("fails on dull rows")
    return found


@pytest.mark.parametrize("name", registry.names("metrics"))
def test_every_metric_keeps_the_contract(name: str) -> None:
    assert breaches(registry.load("metrics", name)()) == []


class Sound:
    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "class"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __call__(self, judged: Judged) -> float:
        return float(np.mean([bool(np.all(g == q)) for g, q in zip(judged.gold, judged.guess, strict=True)]))


class LooksAtOrder(Sound):
    def __call__(self, judged: Judged) -> float:
        return float(np.mean((judged.gold == judged.guess) * np.arange(len(judged))))


class FailsOnOneClass(Sound):
    def __call__(self, judged: Judged) -> float:
        if len(np.unique(judged.gold)) < 2:
            raise ValueError("only one class")
        return 1.0


class NotFinite(Sound):
    def __call__(self, judged: Judged) -> float:
        return float("nan") if len(np.unique(judged.gold)) < 2 else 1.0


class FailsOnOneNumber(Sound):
    kind: ClassVar[str] = "value"

    def __call__(self, judged: Judged) -> float:
        gold, guess = judged.gold - judged.gold.mean(), judged.guess - judged.guess.mean()
        with np.errstate(all="ignore"):
            return float((gold * guess).sum() / np.sqrt((gold**2).sum() * (guess**2).sum()))


class FailsWithoutLabels(Sound):
    kind: ClassVar[str] = "labels"

    def __call__(self, judged: Judged) -> float:
        return float((judged.gold & judged.guess).sum()) / int(judged.gold.sum())


class FailsOnNothingFound(Sound):
    kind: ClassVar[str] = "ranking"

    def __call__(self, judged: Judged) -> float:
        return float(np.mean([q[0] in g for g, q in zip(judged.gold, judged.guess, strict=True)]))


class FailsWithoutAnswers(Sound):
    kind: ClassVar[str] = "answer"

    def __call__(self, judged: Judged) -> float:
        right = sum(q in g for g, q in zip(judged.gold, judged.guess, strict=True))
        return right / sum(len(g) > 0 for g in judged.gold)


class FailsWithoutSpans(Sound):
    kind: ClassVar[str] = "spans"

    def __call__(self, judged: Judged) -> float:
        right = sum(len(set(g) & set(q)) for g, q in zip(judged.gold, judged.guess, strict=True))
        return right / sum(map(len, judged.gold))


class Mutates(Sound):
    def __call__(self, judged: Judged) -> float:
        judged.gold.sort()
        return 1.0


class SaysNothing:
    kind: ClassVar[str] = "class"

    def __call__(self, judged: Judged) -> float:
        return 1.0


class JudgesNothing(Sound):
    kind: ClassVar[str] = "nothing"


class Backwards(Sound):
    best: ClassVar[str] = "low"


class InPercent(Sound):
    def __call__(self, judged: Judged) -> float:
        return 100.0 * super().__call__(judged)


class MedianOfRows(OfRows):
    kind: ClassVar[str] = "value"

    def __call__(self, judged: Judged) -> float:
        return float(np.median(self.of_rows(judged)))

    def of_rows(self, judged: Judged) -> Floats:
        return np.abs(judged.gold - judged.guess)


class WithoutRows(OfSums):
    """A mean whose sums do not hold the number of rows, so that it is right only of as many rows."""

    best: ClassVar[str] = "low"
    kind: ClassVar[str] = "value"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def entries(self, judged: Judged) -> Floats:
        gold, guess = judged.gold, judged.guess
        return np.column_stack([np.abs(gold - guess), np.arange(len(gold)) < len(gold) // 2])

    def of_sums(self, sums: Floats) -> Floats:
        return np.asarray(sums[..., 0] / np.maximum(sums[..., 1], 1.0))


@pytest.mark.parametrize(
    ("specimen", "breach"),
    [
        (LooksAtOrder, "depends on the order of the rows"),
        (FailsOnOneClass, "fails on dull rows"),
        (NotFinite, "not finite on dull rows"),
        (FailsOnOneNumber, "not finite on dull rows"),
        (FailsWithoutLabels, "fails on dull rows"),
        (FailsOnNothingFound, "fails on dull rows"),
        (FailsWithoutAnswers, "fails on dull rows"),
        (FailsWithoutSpans, "fails on dull rows"),
        (Mutates, "changes its input"),
        (SaysNothing, "says not which end is best"),
        (JudgesNothing, "says not what it judges"),
        (Backwards, "finds a perfect answer not best"),
        (InPercent, "leaves its bounds"),
        (MedianOfRows, "is resampled as something else"),
        (WithoutRows, "is resampled as something else"),
    ],
)
def test_broken_specimens_are_refused(specimen: type, breach: str) -> None:
    assert breaches(Sound()) == []
    assert breach in breaches(specimen())


@pytest.mark.parametrize("kind", sorted(SPECIMENS))
def test_a_sound_metric_of_each_kind_is_accepted(kind: str) -> None:
    class OfThisKind(Sound):
        pass

    OfThisKind.kind = kind
    assert breaches(OfThisKind()) == []
