"""Share of rows with every label right."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._labels import labels
from bertune.metrics._probabilities import OfRows


class LabelsExactMatch(OfRows):
    """Share of rows whose labels are guessed exactly, none missing and none too many, in [0, 1].

    Reference: sklearn.metrics.accuracy_score of rows of labels (subset accuracy).
    """

    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "labels"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def of_rows(self, judged: Judged) -> Floats:
        """1 where all labels agree, else 0."""
        gold, guess = labels(judged)
        return np.asarray((gold == guess).all(axis=1), dtype=np.float64)
