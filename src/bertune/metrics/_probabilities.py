"""What the metrics of probabilities share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bertune.base.errors import BertuneError
from bertune.base.types import Floats, Ints, Judged


def probabilities(judged: Judged) -> Floats:
    """Probabilities [rows, classes]. Raises BertuneError where the answers came without any."""
    if judged.probabilities is None:
        raise BertuneError(
            "this metric needs the probability of every class.",
            expected="probabilities for each row",
            found="answers alone",
            next_move="choose a metric of answers, such as accuracy or macro_f1",
        )
    return np.asarray(judged.probabilities, dtype=np.float64)


class OfRows:
    """A metric that is the mean of one value a row."""

    best: ClassVar[str] = "low"
    kind: ClassVar[str] = "class"
    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def __call__(self, judged: Judged) -> float:
        """The metric of one judging."""
        values = self.of_rows(judged)
        return float(values.mean()) if len(values) else 0.0

    def of_rows(self, judged: Judged) -> Floats:
        """The value of each row [rows]; the metric is their mean."""
        raise NotImplementedError


Weighted = Callable[[Floats], float]


class OfWeights:
    """A metric that can weigh its rows: a resample is how often each was drawn, and nothing is sorted anew."""

    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "class"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __call__(self, judged: Judged) -> float:
        """The metric of one judging."""
        return self.weighted(judged)(np.ones(len(judged)))

    def weighted(self, judged: Judged) -> Weighted:
        """The metric as a function of one weight a row [rows]."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Binned:
    """Rows in bins of confidence: n[bins], how many were answered right, and the sum of their confidences."""

    n: Ints
    right: Floats
    confidence: Floats


class OfBins(OfWeights):
    """A metric that is the mean over rows of the gap between confidence and accuracy in their bin."""

    best: ClassVar[str] = "low"

    def binned(self, judged: Judged) -> Binned:
        """The rows in their bins."""
        raise NotImplementedError
