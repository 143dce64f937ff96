"""Log loss of several labels a row."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._labels import labels
from bertune.metrics._probabilities import OfRows, probabilities


class LabelsLogLoss(OfRows):
    """Mean binary cross-entropy over rows and labels, in nats, at least 0.

    Probabilities are clipped to [2.2e-16, 1 - 2.2e-16], so a certain wrong answer costs 36 nats and not infinity.
    Reference: sklearn.metrics.log_loss of each label, averaged.
    """

    kind: ClassVar[str] = "labels"

    def of_rows(self, judged: Judged) -> Floats:
        """Mean over the labels of the negative log-probability of what gold says."""
        eps = float(np.finfo(np.float64).eps)
        given = probabilities(judged)
        own = np.where(labels(judged)[0], given, 1.0 - given)
        return np.asarray(np.mean(-np.log(np.clip(own, eps, 1.0 - eps)), axis=1))
