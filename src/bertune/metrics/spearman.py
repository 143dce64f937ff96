"""Spearman's rank correlation."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Ints, Judged
from bertune.metrics._numbers import correlation, numbers, products
from bertune.metrics._probabilities import OfWeights, Weighted


class Spearman(OfWeights):
    """Correlation of the ranks of gold and guess, in [-1, 1]; 0 where either is one number throughout.

    Equal numbers share the mean of their ranks. Reference: scipy.stats.spearmanr.
    """

    kind: ClassVar[str] = "value"
    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def weighted(self, judged: Judged) -> Weighted:
        """The numbers are sorted once; weights change only the ranks."""
        gold, guess = (np.unique(v, return_inverse=True)[1] for v in numbers(judged))

        def metric(weights: Floats) -> float:
            return float(correlation(weights @ products(_ranks(gold, weights), _ranks(guess, weights))))

        return metric


def _ranks(place: Ints, weights: Floats) -> Floats:
    """The rank of each row less the mean rank [rows], a row of weight 2 being two; `place` numbers the values."""
    held = np.bincount(place, weights=weights)
    ranks = np.cumsum(held) - held / 2.0
    return np.asarray(ranks[place] - weights.sum() / 2.0)
