"""The mean baseline."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Examples, Guesses
from bertune.evaluate.baselines._baseline import Baseline


class Mean(Baseline):
    """The mean of the training rows, whatever the text."""

    kinds: ClassVar[tuple[str, ...]] = ("value",)

    def __init__(self) -> None:
        self.mean = 0.0

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Take the mean of the numbers."""
        self.mean = float(np.mean(targets)) if len(targets) else 0.0

    def guesses(self, examples: Examples) -> Guesses:
        """The same number for every row."""
        return Guesses(np.full(len(examples), self.mean))
