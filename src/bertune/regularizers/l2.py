"""Towards zero, the larger the faster."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bertune.regularizers._learned import Learned
from bertune.regularizers._regularizer import Regularizer, Strength, matrices, total


class L2(Regularizer):
    """Decoupled decay: each update also multiplies the weights by 1 - learning rate · strength.

    Works alike with every optimizer, and beside the weight_decay that an optimizer may have of its own. Biases and
    norms are left alone. Source: Loshchilov and Hutter 2019, equation 1.
    """

    def __init__(self, *, strength: Strength = 0.01) -> None:
        self._strength = strength

    def penalty(self, learned: Sequence[Learned]) -> Tensor:
        """strength / 2 · sum w²."""
        return total([each.parameter.square().sum() for each in matrices(learned)]) * (self._strength / 2)

    @torch.no_grad()
    def after_step(self, learned: Sequence[Learned]) -> None:
        """Multiply the weights by 1 - learning rate · strength."""
        for each in matrices(learned) if self._strength else ():
            each.parameter.mul_(1.0 - each.learning_rate * self._strength)
