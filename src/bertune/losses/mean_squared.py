"""Squared error."""

from torch import Tensor

from bertune.losses._distance import Distance


class MeanSquared(Distance):
    """Squared distance to a value; for classes the Brier score (of the probabilities, summed over classes).

    Source: Brier 1950, equation 2; torch.nn.MSELoss.
    """

    def distance(self, guess: Tensor, truth: Tensor) -> Tensor:
        """(guess - truth)²."""
        return (guess - truth).square()
