"""Log loss."""

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._probabilities import OfRows, probabilities


class LogLoss(OfRows):
    """Mean negative log-probability of the gold class, in nats, at least 0.

    Probabilities are clipped to [2.2e-16, 1 - 2.2e-16], so a certain wrong answer costs 36 nats and not infinity.
    Reference: sklearn.metrics.log_loss.
    """

    def of_rows(self, judged: Judged) -> Floats:
        """Negative log-probability of gold."""
        eps = float(np.finfo(np.float64).eps)
        gold = np.asarray(judged.gold, dtype=np.int64)
        own = probabilities(judged)[np.arange(len(gold)), gold]
        return -np.log(np.clip(own, eps, 1.0 - eps))
