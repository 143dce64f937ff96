"""F1 of entities."""

import numpy as np

from bertune.base.types import Floats
from bertune.metrics._confusion import ratio
from bertune.metrics._spans import OfSpans


class EntityF1(OfSpans):
    """F1 of all entities pooled, right only with the exact boundaries and type, in [0, 1].

    0 where there are no entities at all. Reference: seqeval.metrics.f1_score(mode="strict").
    """

    def of_sums(self, sums: Floats) -> Floats:
        """2 right / (gold + guessed)."""
        return ratio(np.asarray(2.0 * sums[..., 0]), np.asarray(sums[..., 1] + sums[..., 2]))
