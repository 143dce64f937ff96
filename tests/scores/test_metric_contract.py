"""What every metric promises, and broken ones that the contract must refuse."""

import math
from typing import Any, ClassVar

import numpy as np
import pytest

from bertune.base import registry
from bertune.base.types import Judged

CLASSES = ("a", "b", "c")


def _example(kinds: int) -> Judged:
    random = np.random.default_rng(3)
    chances = random.dirichlet(np.ones(3), 40)
    return Judged(random.integers(0, kinds, 40), chances.argmax(axis=1), chances, CLASSES)


def breaches(metric: Any) -> list[str]:
    """The promises that a metric breaks."""
    found = []
    if getattr(metric, "best", None) not in ("high", "low"):
        found.append("says not which end is best")
    if getattr(metric, "kind", None) not in ("class", "value"):
        found.append("says not what it judges")
    j = _example(3)
    before = (j.gold.copy(), j.guess.copy(), None if j.probabilities is None else j.probabilities.copy())
    value = metric(j)
    after = (j.gold, j.guess, j.probabilities)
    if any(not np.array_equal(x, y) for x, y in zip(before, after, strict=True) if x is not None and y is not None):
        found.append("changes its input")
    if not isinstance(value, float):
        found.append("gives no float")
    turned = _example(3)
    if not math.isclose(metric(turned.take(np.arange(40)[::-1])), metric(turned), rel_tol=1e-12, abs_tol=1e-12):
        found.append("depends on the order of the rows")
    for one in (_example(1), _example(1).take(np.arange(1))):
        try:
            if not math.isfinite(metric(one)):
                found.append("not finite on one class")
        except (ArithmeticError, ValueError, IndexError):
            found.append("fails on one class")
    return found


@pytest.mark.parametrize("name", registry.names("metrics"))
def test_every_metric_keeps_the_contract(name: str) -> None:
    part = registry.load("metrics", name)
    if part.kind == "class":
        assert breaches(part()) == []


class Sound:
    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "class"

    def __call__(self, judged: Judged) -> float:
        return float(np.mean(judged.gold == judged.guess))


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


class Mutates(Sound):
    def __call__(self, judged: Judged) -> float:
        judged.gold.sort()
        return 1.0


class SaysNothing:
    kind: ClassVar[str] = "class"

    def __call__(self, judged: Judged) -> float:
        return 1.0


@pytest.mark.parametrize(
    ("specimen", "breach"),
    [
        (LooksAtOrder, "depends on the order of the rows"),
        (FailsOnOneClass, "fails on one class"),
        (NotFinite, "not finite on one class"),
        (Mutates, "changes its input"),
        (SaysNothing, "says not which end is best"),
    ],
)
def test_broken_specimens_are_refused(specimen: type, breach: str) -> None:
    assert breaches(Sound()) == []
    assert breach in breaches(specimen())
