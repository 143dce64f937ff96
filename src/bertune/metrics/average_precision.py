"""Average precision."""

from functools import partial
from typing import ClassVar

from bertune.base.types import Judged
from bertune.metrics._probabilities import OfWeights, Weighted
from bertune.metrics._ranking import mean_precision, ranked


class AveragePrecision(OfWeights):
    """Mean precision over the rows of the class as the score falls, in [0, 1]; guessing gives the class's share.

    Two classes: of the second one. More: mean over the classes that occur in gold. Where there is none, it is 0.
    Reference: sklearn.metrics.average_precision_score.
    """

    best: ClassVar[str] = "high"

    def weighted(self, judged: Judged) -> Weighted:
        """The rankings are made once; weights change only the steps."""
        rankings = ranked(judged) if len(judged) else []
        return partial(mean_precision, rankings)
