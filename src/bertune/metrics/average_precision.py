"""Average precision."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._ranking import columns, stairs


class AveragePrecision:
    """Mean precision over the rows of the class as the score falls, in [0, 1]; guessing gives the class's share.

    Two classes: of the second one. More: mean over the classes that occur in gold. Where there is none, it is 0.
    Reference: sklearn.metrics.average_precision_score.
    """

    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "class"

    def __call__(self, judged: Judged) -> float:
        """The metric of one judging."""
        values = [_precision(s, p) for s, p in columns(judged) if p.sum() > 0]
        return float(np.mean(values)) if values else 0.0


def _precision(scores: Floats, positive: Floats) -> float:
    hits, others = stairs(scores, positive)
    gained = np.diff(hits, prepend=0.0) / hits[-1]
    return float(np.sum(gained * hits / (hits + others)))
