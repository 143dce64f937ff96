"""Accuracy."""

import numpy as np

from bertune.base.types import Floats
from bertune.metrics._confusion import Counts, OfCounts, ratio


class Accuracy(OfCounts):
    """Share of rows answered right, in [0, 1]. Reference: sklearn.metrics.accuracy_score."""

    def of_counts(self, counts: Counts) -> Floats:
        """Right answers over rows."""
        return ratio(np.sum(counts.right, axis=-1), np.sum(counts.gold, axis=-1))
