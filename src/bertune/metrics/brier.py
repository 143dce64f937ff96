"""Brier score."""

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._probabilities import OfRows, probabilities


class Brier(OfRows):
    """Mean squared distance of the probabilities from the truth: in [0, 1] for two classes, in [0, 2] for more.

    Source: Brier (1950); halved for two classes, as is usual. Reference: sklearn.metrics.brier_score_loss.
    """

    def of_rows(self, judged: Judged) -> Floats:
        """Squared distance, summed over the classes."""
        off = probabilities(judged).copy()
        classes = off.shape[1]
        off[np.arange(len(off)), np.asarray(judged.gold, dtype=np.int64)] -= 1.0
        return np.asarray(np.sum(off**2, axis=1) / (2.0 if classes <= 2 else 1.0))
