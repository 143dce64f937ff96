"""The forward pass of a learner under torch's DistributedDataParallel, which brings gradients of processes together."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from bertune.base import processes
from bertune.model.encoder import Model

Forward = Callable[..., tuple[Tensor, float]]


class _Forward(nn.Module):
    """Holds all that can learn, and computes a loss."""

    def __init__(self, model: Model, forward: Forward) -> None:
        super().__init__()
        self.network = model.network
        self.beside = nn.ModuleList([task.head.more for task in model.tasks if task.head.more is not None])
        self._compute = forward

    def forward(self, *arguments: Any) -> tuple[Tensor, float]:
        """The summed loss and its weight."""
        return self._compute(*arguments)


class SharedGradients:
    """Makes gradients the mean over all processes as they are computed; wrapped anew when other weights learn."""

    def __init__(self, model: Model, forward: Forward) -> None:
        self.model, self._forward = model, forward
        self._wrapped: DistributedDataParallel | None = None
        self._learning: frozenset[int] = frozenset()

    def compute(self, last: bool, *arguments: Any) -> tuple[Tensor, float]:
        """The forward pass of a portion; in the backward pass of the `last` one gradients of all processes meet."""
        if processes.now().count == 1:
            return self._forward(*arguments)
        learning = frozenset(id(p) for _, p in self.model.named_parameters() if p.requires_grad)
        if self._wrapped is None or learning != self._learning:
            self._learning = learning
            module = _Forward(self.model, self._forward)
            self._wrapped = DistributedDataParallel(module, find_unused_parameters=True)
        with nullcontext() if last else self._wrapped.no_sync():
            found: tuple[Tensor, float] = self._wrapped(*arguments)
        return found
