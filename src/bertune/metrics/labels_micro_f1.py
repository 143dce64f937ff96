"""Micro-F1 of several labels a row."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._labels import labels
from bertune.metrics._sums import OfSums


class LabelsMicroF1(OfSums):
    """F1 of the labels of all rows pooled, in [0, 1]; 0 where there are none.

    Reference: sklearn.metrics.f1_score(average="micro", zero_division=0).
    """

    kind: ClassVar[str] = "labels"

    def entries(self, judged: Judged) -> Floats:
        """Right labels, and those of gold and guess together [rows, 2]."""
        gold, guess = labels(judged)
        both = gold.sum(axis=1) + guess.sum(axis=1)
        return np.column_stack([(gold & guess).sum(axis=1), both]).astype(np.float64)

    def of_sums(self, sums: Floats) -> Floats:
        """2 right / (gold + guess)."""
        return ratio(2.0 * sums[..., 0], sums[..., 1])
