"""Expected calibration error."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Judged
from bertune.metrics._probabilities import probabilities

BINS = 15


class CalibrationError:
    """Mean gap between confidence and accuracy over 15 equal-width bins of confidence, in [0, 1].

    Confidence is the largest probability, and right means that its class is gold; a bin is (low, high].
    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, eq. 3.
    """

    best: ClassVar[str] = "low"
    kind: ClassVar[str] = "class"

    def __call__(self, judged: Judged) -> float:
        """The metric of one judging."""
        given = probabilities(judged)
        if not len(given):
            return 0.0
        confidence = given.max(axis=1)
        right = given.argmax(axis=1) == np.asarray(judged.gold)
        # Rounding may carry a probability beyond 1; it belongs in the last bin.
        edges = np.linspace(0.0, 1.0, BINS + 1)[1:-1]
        gaps = np.bincount(np.digitize(confidence, edges, right=True), weights=right - confidence, minlength=BINS)
        return float(np.abs(gaps).sum() / len(given))
