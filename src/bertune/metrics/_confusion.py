"""Counts that every metric of right and wrong answers is made of, for one judging or many resamples at once."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged


@dataclass(frozen=True, eq=False)
class Counts:
    """The margins of confusion matrices: right, gold and guess, each [..., classes].

    They may be weights rather than whole numbers. `usual` [classes] holds the gold counts of the data themselves,
    so that a choice such as "the rarest class" stays the same in every resample.
    """

    right: Floats
    gold: Floats
    guess: Floats
    usual: Floats


def count(judged: Judged) -> Counts:
    """The margins of one judging."""
    gold = np.asarray(judged.gold, dtype=np.int64)
    guess = np.asarray(judged.guess, dtype=np.int64)
    classes = len(judged.classes)
    seen = np.bincount(gold, minlength=classes).astype(np.float64)
    right = np.bincount(gold[gold == guess], minlength=classes).astype(np.float64)
    return Counts(right, seen, np.bincount(guess, minlength=classes).astype(np.float64), seen)


def ratio(above: Floats, below: Floats) -> Floats:
    """above / below, and 0 where below is 0 (scikit-learn's zero_division=0)."""
    zero = below == 0
    return np.asarray(np.where(zero, 0.0, above / np.where(zero, 1.0, below)))


def f1(counts: Counts) -> Floats:
    """F1 of each class [..., classes]: 2 right / (gold + guess)."""
    return ratio(2.0 * counts.right, counts.gold + counts.guess)


class OfCounts:
    """A metric that is a function of the counts alone, so that resamples need no rows."""

    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "class"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __call__(self, judged: Judged) -> float:
        """The metric of one judging."""
        return float(self.of_counts(count(judged)))

    def of_counts(self, counts: Counts) -> Floats:
        """The metric [...] of counts [..., classes]."""
        raise NotImplementedError
