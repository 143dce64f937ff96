"""Area under the ROC curve."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._ranking import columns, stairs


class Auroc:
    """Chance that a row of the class scores above a row of the others, in [0, 1]; 0.5 is guessing.

    Two classes: of the second one. More: mean over the classes that occur in gold and are not all of it, each against
    the rest. Where nothing can be compared (one class in gold) it is 0.5.
    Source: Fawcett (2006). Reference: sklearn.metrics.roc_auc_score(multi_class="ovr", average="macro").
    """

    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "class"

    def __call__(self, judged: Judged) -> float:
        """The metric of one judging."""
        areas = [_area(s, p) for s, p in columns(judged) if 0 < p.sum() < len(p)]
        return float(np.mean(areas)) if areas else 0.5


def _area(scores: Floats, positive: Floats) -> float:
    hits, others = stairs(scores, positive)
    hits, others = np.append(0.0, hits), np.append(0.0, others)
    return float(np.trapezoid(hits, others) / (hits[-1] * others[-1]))
