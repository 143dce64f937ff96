"""Pearson's correlation."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._numbers import centred, correlation, numbers, products
from bertune.metrics._sums import OfSums


class Pearson(OfSums):
    """Linear correlation of gold and guess, in [-1, 1]; 0 where either is one number throughout.

    Numbers whose spread is less than a millionth of their distance from the mean of all rows count as one.
    Reference: scipy.stats.pearsonr.
    """

    kind: ClassVar[str] = "value"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def entries(self, judged: Judged) -> Floats:
        """1, both numbers, their squares and their product [rows, 6]."""
        gold, guess = numbers(judged)
        return products(centred(gold), centred(guess))

    def of_sums(self, sums: Floats) -> Floats:
        """Covariance over the root of both variances."""
        return np.asarray(correlation(sums))
