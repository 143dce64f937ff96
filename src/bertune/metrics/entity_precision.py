"""Precision of entities."""

from bertune.base.types import Floats
from bertune.metrics._confusion import ratio
from bertune.metrics._spans import OfSpans


class EntityPrecision(OfSpans):
    """Share of the guessed entities that are right, boundaries and type, in [0, 1].

    0 where none is guessed. Reference: seqeval.metrics.precision_score(mode="strict").
    """

    def of_sums(self, sums: Floats) -> Floats:
        """Right over guessed."""
        return ratio(sums[..., 0], sums[..., 2])
