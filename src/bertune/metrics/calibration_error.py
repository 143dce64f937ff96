"""Expected calibration error."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._probabilities import OfWeights, Weighted, probabilities

BINS = 15


class CalibrationError(OfWeights):
    """Mean gap between confidence and accuracy over 15 equal-width bins of confidence, in [0, 1].

    Confidence is the largest probability, and right means that its class is gold; a bin is (low, high]. On few rows
    it is too large even for perfect probabilities: with chance alone, some 0.03 on 500 rows.
    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, eq. 3.
    """

    best: ClassVar[str] = "low"

    def weighted(self, judged: Judged) -> Weighted:
        """Bins and gaps are made once."""
        given = probabilities(judged)
        confidence = given.max(axis=1) if len(given) else np.zeros(0)
        gap = (given.argmax(axis=1) == np.asarray(judged.gold)) - confidence if len(given) else np.zeros(0)
        # The inner edges alone: rounding may carry a probability beyond 1, and it belongs in the last bin.
        place = np.digitize(confidence, np.linspace(0.0, 1.0, BINS + 1)[1:-1], right=True)

        def metric(weights: Floats) -> float:
            gaps = np.bincount(place, weights=gap * weights, minlength=BINS)
            return float(np.abs(gaps).sum() / max(float(weights.sum()), 1e-300))

        return metric
