"""Macro-F1."""

import numpy as np

from bertune.base.types import Floats
from bertune.metrics._confusion import Counts, OfCounts, f1, ratio


class MacroF1(OfCounts):
    """Mean F1 of the classes, each counting alike, in [0, 1].

    The mean runs over the classes that occur in gold or guess. Reference: sklearn.metrics.f1_score(average="macro").
    """

    def of_counts(self, counts: Counts) -> Floats:
        """Mean of the F1 of the classes that occur."""
        present = np.sum(counts.gold + counts.guess > 0, axis=-1).astype(np.float64)
        return ratio(np.sum(f1(counts), axis=-1), present)
