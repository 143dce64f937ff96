"""Recall of entities."""

from bertune.base.types import Floats
from bertune.metrics._confusion import ratio
from bertune.metrics._spans import OfSpans


class EntityRecall(OfSpans):
    """Share of the entities in gold that are found with their boundaries and type, in [0, 1].

    0 where gold holds none. Reference: seqeval.metrics.recall_score(mode="strict").
    """

    def of_sums(self, sums: Floats) -> Floats:
        """Right over gold."""
        return ratio(sums[..., 0], sums[..., 1])
