"""What the regularizers share: the base class, and which parameters are matrices of weights."""

from collections.abc import Sequence
from typing import Annotated

import torch
from annotated_types import Ge
from pydantic import Field
from torch import Tensor

from bertune.regularizers._learned import Learned

Strength = Annotated[float, Ge(0), Field(description="factor of the penalty; 0: none")]


class Regularizer:
    """Pulls weights somewhere, by their gradient or by themselves.

    The law of the door: what `before_step` adds to the gradients, plus what `after_step` takes from the weights
    divided by their learning rate, is the gradient of `penalty`.
    """

    def penalty(self, learned: Sequence[Learned]) -> Tensor:
        """The penalty as a number with a gradient, for the record and for tests."""
        raise NotImplementedError

    def before_step(self, learned: Sequence[Learned]) -> None:
        """Add to the gradients, before they are clipped and the optimizer moves."""

    def after_step(self, learned: Sequence[Learned]) -> None:
        """Change the weights, after the optimizer has moved."""


def matrices(learned: Sequence[Learned]) -> list[Learned]:
    """The parameters with more than one dimension: weights, not biases and norms, which are left alone."""
    return [each for each in learned if each.parameter.ndim > 1]


def add_to_gradient(parameter: torch.nn.Parameter, direction: Tensor, strength: float) -> None:
    """Add strength · direction to the gradient of a parameter, which may have none yet."""
    if parameter.grad is None:
        parameter.grad = direction * strength
    else:
        parameter.grad.add_(direction, alpha=strength)


def total(terms: Sequence[Tensor]) -> Tensor:
    """The sum of scalars; 0 of none."""
    return torch.stack(list(terms)).sum() if terms else torch.zeros(())
