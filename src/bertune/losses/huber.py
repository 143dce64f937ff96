"""Huber's loss."""

from typing import Annotated

import torch.nn.functional as F
from annotated_types import Gt
from pydantic import Field
from torch import Tensor

from bertune.losses._distance import Distance


class Huber(Distance):
    """Half the squared distance up to delta, a straight line beyond: outliers pull no harder than delta.

    For classes it is summed over the probabilities. Source: Huber 1964; torch.nn.HuberLoss.
    """

    def __init__(
        self, *, delta: Annotated[float, Gt(0), Field(description="distance where the line starts")] = 1.0
    ) -> None:
        self._delta = delta

    def distance(self, guess: Tensor, truth: Tensor) -> Tensor:
        """d² / 2 where |d| <= delta, else delta · (|d| - delta / 2), with d = guess - truth."""
        return F.huber_loss(guess, truth, reduction="none", delta=self._delta)
