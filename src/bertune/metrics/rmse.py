"""Root mean squared error."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._numbers import numbers
from bertune.metrics._sums import OfSums


class Rmse(OfSums):
    """Root of the mean squared distance of guess from gold, in the unit of the values, at least 0.

    Reference: sklearn.metrics.root_mean_squared_error.
    """

    best: ClassVar[str] = "low"
    kind: ClassVar[str] = "value"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def entries(self, judged: Judged) -> Floats:
        """1 and the squared distance [rows, 2]."""
        gold, guess = numbers(judged)
        return np.column_stack([np.ones(len(gold)), (guess - gold) ** 2])

    def of_sums(self, sums: Floats) -> Floats:
        """Root of the mean."""
        return np.asarray(np.sqrt(ratio(sums[..., 1], sums[..., 0])))
