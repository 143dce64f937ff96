"""What the metrics share that are made of sums over rows: entity F1, squared errors, correlations."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged


class OfSums:
    """A metric that is a function of sums over the rows, so that a resample is one weighing of the rows' entries."""

    best: ClassVar[str] = "high"
    kind: ClassVar[str]
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __call__(self, judged: Judged) -> float:
        """The metric of one judging."""
        return float(self.of_sums(np.asarray(self.entries(judged).sum(axis=0))))

    def entries(self, judged: Judged) -> Floats:
        """What each row brings to the sums [rows, sums]."""
        raise NotImplementedError

    def of_sums(self, sums: Floats) -> Floats:
        """The metric [...] of sums [..., sums]; they may be of weighted rows."""
        raise NotImplementedError
