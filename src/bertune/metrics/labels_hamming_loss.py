"""Hamming loss."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._labels import labels
from bertune.metrics._probabilities import OfRows


class LabelsHammingLoss(OfRows):
    """Share of wrong answers among all rows and labels, in [0, 1].

    Reference: sklearn.metrics.hamming_loss.
    """

    kind: ClassVar[str] = "labels"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def of_rows(self, judged: Judged) -> Floats:
        """Share of the labels on which gold and guess differ."""
        gold, guess = labels(judged)
        return np.asarray(np.mean(gold != guess, axis=1))
