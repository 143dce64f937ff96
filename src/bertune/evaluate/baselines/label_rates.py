"""The baseline of several labels that knows their rates alone."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Examples, Floats, Guesses
from bertune.evaluate.baselines._baseline import Baseline


class LabelRates(Baseline):
    """The rates of the labels in the training rows, whatever the text; given are those of at least a quarter.

    A quarter and not a half: where labels are rare, giving none is right for most and found for nobody.
    """

    kinds: ClassVar[tuple[str, ...]] = ("labels",)

    def __init__(self) -> None:
        self.rates: Floats = np.zeros(0)

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Count the labels."""
        self.rates = np.asarray(targets.mean(axis=0), dtype=np.float64) if len(targets) else np.zeros(len(classes))

    def guesses(self, examples: Examples) -> Guesses:
        """The same rates for every row."""
        rates = np.tile(self.rates, (len(examples), 1))
        return Guesses(rates >= 0.25, rates)
