"""F1 of each row's labels."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._labels import labels
from bertune.metrics._probabilities import OfRows


class LabelsSampleF1(OfRows):
    """Mean over the rows of the F1 of their labels, in [0, 1]; a row without any in gold and guess counts as 0.

    Reference: sklearn.metrics.f1_score(average="samples", zero_division=0).
    """

    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "labels"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def of_rows(self, judged: Judged) -> Floats:
        """2 right / (gold + guess)."""
        gold, guess = labels(judged)
        both = (gold.sum(axis=1) + guess.sum(axis=1)).astype(np.float64)
        return ratio(2.0 * (gold & guess).sum(axis=1), both)
