"""Balanced accuracy."""

import numpy as np

from bertune.base.types import Floats
from bertune.metrics._confusion import Counts, OfCounts, ratio


class BalancedAccuracy(OfCounts):
    """Mean recall of the classes that occur in gold, in [0, 1].

    Reference: sklearn.metrics.balanced_accuracy_score.
    """

    def of_counts(self, counts: Counts) -> Floats:
        """Mean recall."""
        recall = ratio(counts.right, counts.gold)
        return ratio(np.sum(recall, axis=-1), np.sum(counts.gold > 0, axis=-1).astype(np.float64))
