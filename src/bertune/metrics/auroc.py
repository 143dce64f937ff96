"""Area under the ROC curve."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._probabilities import OfWeights, Weighted
from bertune.metrics._ranking import Ranked, ranked


class Auroc(OfWeights):
    """Chance that a row of the class scores above a row of the others, in [0, 1]; 0.5 is guessing.

    Two classes: of the second one. More: mean over the classes that occur in gold and are not all of it, each against
    the rest. Where nothing can be compared (one class in gold) it is 0.5.
    Source: Fawcett (2006). Reference: sklearn.metrics.roc_auc_score(multi_class="ovr", average="macro").
    """

    best: ClassVar[str] = "high"

    def weighted(self, judged: Judged) -> Weighted:
        """The rankings are made once; weights change only the steps."""
        rankings = ranked(judged) if len(judged) else []

        def metric(weights: Floats) -> float:
            areas = [a for r in rankings if (a := _area(r, weights)) is not None]
            return float(np.mean(areas)) if areas else 0.5

        return metric


def _area(ranking: Ranked, weights: Floats) -> float | None:
    hits, others = ranking.stairs(weights)
    if hits[-1] == 0 or others[-1] == 0:
        return None
    return float(np.trapezoid(np.append(0.0, hits / hits[-1]), np.append(0.0, others / others[-1])))
