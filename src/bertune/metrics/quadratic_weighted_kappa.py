"""Quadratic weighted kappa."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._numbers import HAIR, numbers
from bertune.metrics._sums import OfSums


class QuadraticWeightedKappa(OfSums):
    """Agreement of whole-number scores beyond chance, a miss counting by its square, in [-1, 1]; 0 is chance.

    Gold and guess are rounded to the nearest whole number, halves up. 0 where all of both are one and the same number.
    Source: Cohen (1968), Weighted kappa. Reference: sklearn.metrics.cohen_kappa_score(weights="quadratic").
    """

    kind: ClassVar[str] = "value"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def entries(self, judged: Judged) -> Floats:
        """1, both scores, the sum of their squares and the squared distance [rows, 5]."""
        gold, guess = (_rounded(values) for values in numbers(judged))
        # Scores are counted from one near their middle: squares of large ones would lose their last digits.
        middle = np.floor(gold.mean()) if len(gold) else 0.0
        gold, guess = gold - middle, guess - middle
        return np.column_stack([np.ones(len(gold)), gold, guess, gold**2 + guess**2, (guess - gold) ** 2])

    def of_sums(self, sums: Floats) -> Floats:
        """1 less the squared distance over that of all pairs of a gold and a guess."""
        n, gold, guess, squares, apart = np.moveaxis(sums, -1, 0)
        chance = squares - 2.0 * ratio(gold * guess, n)
        return np.asarray(np.where(chance > HAIR * squares, 1.0 - ratio(apart, chance), 0.0))


def _rounded(values: Floats) -> Floats:
    whole = np.floor(values)
    return np.asarray(whole + (values - whole >= 0.5))
