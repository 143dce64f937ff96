"""Macro-F1 of several labels a row."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._labels import labels
from bertune.metrics._sums import OfSums


class LabelsMacroF1(OfSums):
    """Mean F1 of the labels, each counting alike, in [0, 1]; a label that is in neither gold nor guess counts as 0.

    Reference: sklearn.metrics.f1_score(average="macro", zero_division=0).
    """

    kind: ClassVar[str] = "labels"

    def entries(self, judged: Judged) -> Floats:
        """Whether each label is right, in gold, and guessed [rows, 3 x classes]."""
        gold, guess = labels(judged)
        return np.hstack([gold & guess, gold, guess]).astype(np.float64)

    def of_sums(self, sums: Floats) -> Floats:
        """Mean of 2 right / (gold + guess)."""
        right, gold, guess = np.split(sums, 3, axis=-1)
        return np.asarray(np.mean(ratio(2.0 * right, gold + guess), axis=-1))
