"""Mean absolute error."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._numbers import numbers
from bertune.metrics._probabilities import OfRows


class MeanAbsoluteError(OfRows):
    """Mean distance of guess from gold, in the unit of the values, at least 0.

    Reference: sklearn.metrics.mean_absolute_error.
    """

    kind: ClassVar[str] = "value"

    def of_rows(self, judged: Judged) -> Floats:
        """The distance."""
        gold, guess = numbers(judged)
        return np.abs(guess - gold)
