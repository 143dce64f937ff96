"""Micro-F1."""

import numpy as np

from bertune.base.types import Floats
from bertune.metrics._confusion import Counts, OfCounts, ratio


class MicroF1(OfCounts):
    """F1 of all answers pooled, in [0, 1]; with one label a row it equals accuracy.

    Reference: sklearn.metrics.f1_score(average="micro").
    """

    def of_counts(self, counts: Counts) -> Floats:
        """2 right / (gold + guess), all summed over the classes."""
        return ratio(2.0 * np.sum(counts.right, axis=-1), np.sum(counts.gold + counts.guess, axis=-1))
