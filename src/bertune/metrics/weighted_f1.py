"""Weighted F1."""

import numpy as np

from bertune.base.types import Floats
from bertune.metrics._confusion import Counts, OfCounts, f1, ratio


class WeightedF1(OfCounts):
    """Mean F1 of the classes, each by its share of gold, in [0, 1].

    Reference: sklearn.metrics.f1_score(average="weighted").
    """

    def of_counts(self, counts: Counts) -> Floats:
        """Mean of F1 weighted by gold counts."""
        return ratio(np.sum(f1(counts) * counts.gold, axis=-1), np.sum(counts.gold, axis=-1))
