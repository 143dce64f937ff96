"""Coefficient of determination."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._numbers import numbers, spread
from bertune.metrics._sums import OfSums


class R2(OfSums):
    """Share of the variance of gold that the guess explains, at most 1; guessing the mean gives 0, worse is below 0.

    0 where gold is one number throughout (scikit-learn has 1 there for a guess without a fault), and so for one row.
    Reference: sklearn.metrics.r2_score.
    """

    kind: ClassVar[str] = "value"
    bounds: ClassVar[tuple[float, float]] = (-np.inf, 1.0)

    def entries(self, judged: Judged) -> Floats:
        """1, gold, its square and the squared distance [rows, 4]; gold is counted from its mean to keep its digits."""
        gold, guess = numbers(judged)
        off = gold - gold.mean() if len(gold) else gold
        return np.column_stack([np.ones(len(gold)), off, off**2, (guess - gold) ** 2])

    def of_sums(self, sums: Floats) -> Floats:
        """1 less the unexplained share."""
        n, gold, squares, missed = np.moveaxis(sums, -1, 0)
        whole = spread(n, gold, squares)
        return np.asarray(np.where(whole > 0, 1.0 - ratio(missed, whole), 0.0))
