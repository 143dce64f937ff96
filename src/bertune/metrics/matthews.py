"""Matthews correlation coefficient."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats
from bertune.metrics._confusion import Counts, OfCounts, ratio


class Matthews(OfCounts):
    """Correlation of gold and guess, in [-1, 1]; 0 where either holds one class only.

    Source: Gorodkin (2004), the R_K statistic. Reference: sklearn.metrics.matthews_corrcoef.
    """

    bounds: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def of_counts(self, counts: Counts) -> Floats:
        """Covariance over the root of both variances."""
        rows = np.sum(counts.gold, axis=-1)
        together = np.sum(counts.right, axis=-1) * rows - np.sum(counts.gold * counts.guess, axis=-1)
        of_gold = rows**2 - np.sum(counts.gold**2, axis=-1)
        of_guess = rows**2 - np.sum(counts.guess**2, axis=-1)
        # Rounding may leave a variance a hair beside 0 when the counts are weights.
        alone = np.minimum(of_gold, of_guess) <= 1e-12 * rows**2
        below = np.where(alone, 0.0, np.sqrt(np.abs(of_gold * of_guess)))
        return ratio(together, below)
