"""Expected calibration error."""

import numpy as np

from bertune.base.types import Floats, Ints, Judged
from bertune.metrics._probabilities import Binned, OfBins, Weighted, probabilities

BINS = 15


class CalibrationError(OfBins):
    """Mean gap between confidence and accuracy over 15 equal-width bins of confidence, in [0, 1].

    Confidence is the largest probability, and right means that its class is gold; a bin is (low, high]. On few rows
    it is too large even for perfect probabilities: with chance alone, some 0.03 on 500 rows.
    Source: Guo et al. (2017), On Calibration of Modern Neural Networks, eq. 3.
    """

    def weighted(self, judged: Judged) -> Weighted:
        """Bins and gaps are made once."""
        place, right, confidence = _placed(judged)
        gap = right - confidence

        def metric(weights: Floats) -> float:
            gaps = np.bincount(place, weights=gap * weights, minlength=BINS)
            return float(np.abs(gaps).sum() / max(float(weights.sum()), 1e-300))

        return metric

    def binned(self, judged: Judged) -> Binned:
        """The rows in 15 bins."""
        place, right, confidence = _placed(judged)
        sums = [np.bincount(place, weights=w, minlength=BINS).astype(np.float64) for w in (right, confidence)]
        return Binned(np.bincount(place, minlength=BINS), *sums)


def _placed(judged: Judged) -> tuple[Ints, Floats, Floats]:
    """The bin of each row, whether it was answered right (1 or 0), and its confidence."""
    given = probabilities(judged)
    if not len(given):
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
    confidence = given.max(axis=1)
    right = (given.argmax(axis=1) == np.asarray(judged.gold)).astype(np.float64)
    # The inner edges alone: rounding may carry a probability beyond 1, and it belongs in the last bin.
    return np.digitize(confidence, np.linspace(0.0, 1.0, BINS + 1)[1:-1], right=True), right, confidence
