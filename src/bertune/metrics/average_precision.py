"""Average precision."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._probabilities import OfWeights, Weighted
from bertune.metrics._ranking import Ranked, ranked


class AveragePrecision(OfWeights):
    """Mean precision over the rows of the class as the score falls, in [0, 1]; guessing gives the class's share.

    Two classes: of the second one. More: mean over the classes that occur in gold. Where there is none, it is 0.
    Reference: sklearn.metrics.average_precision_score.
    """

    best: ClassVar[str] = "high"

    def weighted(self, judged: Judged) -> Weighted:
        """The rankings are made once; weights change only the steps."""
        rankings = ranked(judged) if len(judged) else []

        def metric(weights: Floats) -> float:
            values = [v for r in rankings if (v := _precision(r, weights)) is not None]
            return float(np.mean(values)) if values else 0.0

        return metric


def _precision(ranking: Ranked, weights: Floats) -> float | None:
    hits, others = ranking.stairs(weights)
    if hits[-1] == 0:
        return None
    recall = np.append(0.0, hits / hits[-1])
    return float(-np.sum(np.diff(recall[::-1]) * ratio(hits, hits + others)[::-1]))
