"""One forward pass a batch."""

from collections.abc import Callable

from torch import Tensor

from bertune.base.types import Batch, Terms
from bertune.model.encoder import Model


class Plain:
    """One forward pass: the loss of the model's answers."""

    def __init__(self) -> None:
        pass

    def __call__(self, model: Model, loss: Callable[[Tensor, Tensor], Terms], batch: Batch, seed: int) -> Terms:
        """One value and weight for each row of the batch."""
        output = model(batch)
        return loss(output.logits, output.targets)
