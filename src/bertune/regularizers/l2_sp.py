"""Towards the pretrained weights."""

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Ge
from pydantic import Field
from torch import Tensor

from bertune.regularizers._learned import Learned
from bertune.regularizers._regularizer import Regularizer, Strength, add_to_gradient, total

NewStrength = Annotated[float, Ge(0), Field(description="the same for new weights, towards 0; 0: none")]


class L2Sp(Regularizer):
    """The squared distance to the pretrained weights, added to the loss, so that little is forgotten.

    Every parameter that has a start is drawn to it, biases and norms too; new weights are drawn to 0, new biases are
    left alone. Source: Li et al. 2018, equation 5 (alpha = strength, beta = strength_new).
    """

    def __init__(self, *, strength: Strength = 0.01, strength_new: NewStrength = 0.01) -> None:
        self._strength, self._strength_new = strength, strength_new

    def penalty(self, learned: Sequence[Learned]) -> Tensor:
        """strength / 2 · sum (w - start)² + strength_new / 2 · sum w² over new weights."""
        return total([_away(each).square().sum() * (s / 2) for each, s in self._drawn(learned)])

    @torch.no_grad()
    def before_step(self, learned: Sequence[Learned]) -> None:
        """Add strength · (w - start) to the gradients, strength_new · w where the weights are new."""
        for each, strength in self._drawn(learned):
            add_to_gradient(each.parameter, _away(each), strength)

    def _drawn(self, learned: Sequence[Learned]) -> list[tuple[Learned, float]]:
        """The parameters that are drawn somewhere, each with its strength."""
        old = [(each, self._strength) for each in learned if each.start is not None]
        new = [(each, self._strength_new) for each in learned if each.start is None and each.parameter.ndim > 1]
        return [(each, strength) for each, strength in [*old, *new] if strength]


def _away(each: Learned) -> Tensor:
    """How far the weights are from where they are drawn to."""
    return each.parameter if each.start is None else each.parameter - each.start
