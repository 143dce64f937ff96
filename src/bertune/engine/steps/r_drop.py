"""Two forward passes with different dropout that are drawn together."""

from collections.abc import Callable
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import Field
from torch import Tensor
from torch.nn.functional import log_softmax

from bertune.base.types import Batch, Terms
from bertune.model.encoder import Model


class RDrop:
    """The mean loss of two passes plus alpha times their symmetric Kullback-Leibler divergence.

    Costs twice the time of a plain step. `alpha` 0 leaves the mean of two passes.
    Source: Liang et al. 2021, R-Drop, equation 4 (there the two losses are summed; here their mean is taken, so that
    alpha 0 and no dropout is the plain step).
    """

    def __init__(
        self, *, alpha: Annotated[float, Ge(0), Le(100), Field(description="weight of the divergence")] = 1.0
    ) -> None:
        self.alpha = alpha

    def __call__(self, model: Model, loss: Callable[[Tensor, Tensor], Terms], batch: Batch, seed: int) -> Terms:
        """One value and weight for each row of the batch."""
        output, again = model(batch), model(batch)
        first, second = output.logits, again.logits
        one, two = loss(first, output.targets), loss(second, again.targets)
        p, q = log_softmax(first, dim=-1), log_softmax(second, dim=-1)  # (rows, classes)
        divergence = ((p.exp() - q.exp()) * (p - q)).sum(dim=-1) / 2
        return Terms((one.values + two.values) / 2 + self.alpha * divergence, one.weights)
