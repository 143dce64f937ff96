"""The majority baseline."""

from collections.abc import Sequence

import numpy as np

from bertune.base.types import Floats, Ints
from bertune.evaluate.baselines._baseline import OfClasses


class Majority(OfClasses):
    """The class shares of the training rows, whatever the text: every answer is the commonest class."""

    def __init__(self) -> None:
        self.shares: Floats = np.zeros(0)

    def fit(self, texts: Sequence[str], pairs: Sequence[str] | None, targets: Ints, classes: int, seed: int) -> None:
        """Count the classes; neither the texts nor the seed matter."""
        counts = np.bincount(np.asarray(targets, dtype=np.int64), minlength=classes).astype(np.float64)
        self.shares = counts / counts.sum() if counts.sum() else np.full(classes, 1.0 / classes)

    def probabilities(self, texts: Sequence[str], pairs: Sequence[str] | None) -> Floats:
        """The same shares for every text [rows, classes]."""
        return np.tile(self.shares, (len(texts), 1))
