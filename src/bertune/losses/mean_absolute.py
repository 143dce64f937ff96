"""Absolute error."""

from torch import Tensor

from bertune.losses._distance import Distance


class MeanAbsolute(Distance):
    """Distance to a value; for classes 2 - 2 p[target], which wrong labels disturb little but which learns slowly.

    Source: Ghosh et al. 2017, equation 6 and section 3.1; torch.nn.L1Loss.
    """

    def distance(self, guess: Tensor, truth: Tensor) -> Tensor:
        """|guess - truth|."""
        return (guess - truth).abs()
