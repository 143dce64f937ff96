"""Average precision of several labels a row."""

from functools import partial
from typing import ClassVar

from bertune.base.types import Judged
from bertune.metrics._labels import labels
from bertune.metrics._probabilities import OfWeights, Weighted, probabilities
from bertune.metrics._ranking import mean_precision, ranking


class LabelsAveragePrecision(OfWeights):
    """Mean over the labels that occur in gold of their average precision, in [0, 1]; where none occurs, it is 0.

    Average precision is the mean precision over a label's rows as its probability falls; guessing gives the label's
    share of rows. Reference: sklearn.metrics.average_precision_score(average="macro").
    """

    kind: ClassVar[str] = "labels"

    def weighted(self, judged: Judged) -> Weighted:
        """The rankings are made once; weights change only the steps."""
        gold, given = labels(judged)[0], probabilities(judged)
        return partial(mean_precision, [ranking(given[:, k], gold[:, k]) for k in range(gold.shape[1]) if len(gold)])
