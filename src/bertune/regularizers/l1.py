"""Towards zero, all at the same pace."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bertune.regularizers._learned import Learned
from bertune.regularizers._regularizer import Regularizer, Strength, add_to_gradient, matrices, total


class L1(Regularizer):
    """The sum of absolute weights, added to the loss: small weights are drawn to 0.

    Biases and norms are left alone. Weights come near 0 but seldom to it, as this is a subgradient and no proximal
    step. Source: Tibshirani 1996.
    """

    def __init__(self, *, strength: Strength = 1e-6) -> None:
        self._strength = strength

    def penalty(self, learned: Sequence[Learned]) -> Tensor:
        """strength · sum |w|."""
        return total([each.parameter.abs().sum() for each in matrices(learned)]) * self._strength

    @torch.no_grad()
    def before_step(self, learned: Sequence[Learned]) -> None:
        """Add strength · sign(w) to the gradients."""
        for each in matrices(learned) if self._strength else ():
            add_to_gradient(each.parameter, each.parameter.sign(), self._strength)
