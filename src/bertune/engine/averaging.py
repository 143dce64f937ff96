"""A running average of the weights, which is what is judged and kept.

Source: Polyak and Juditsky 1992; exponential form as in Izmailov et al. 2018 section 3 and the EMA of Tarvainen 2017.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

EACH = 8  # updates from the start that are all drawn: a run of few updates must not keep the weights it began with
EVERY = 4  # updates between two draws: a tenth of a step's time on a processor would go into drawing at each


class Averages:
    """An exponential moving average over the weights that learn; `span` is its length in updates.

    Drawn at each of the first EACH updates, then at every EVERYth with the weight of EVERY draws.
    """

    def __init__(self, parameters: dict[str, nn.Parameter], span: float) -> None:
        self.parameters = parameters
        self.decay = 1.0 - 1.0 / max(span, 1.0)
        self.mean = {name: p.detach().clone() for name, p in parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Draw the averages towards the weights after update number `step` (from 1); early updates count more."""
        if step > EACH and step % EVERY:
            return
        weight = 1.0 - min(self.decay, step / (step + 10.0)) ** (EVERY if step > EACH else 1)
        means, weights = list(self.mean.values()), [p.detach() for p in self.parameters.values()]
        torch._foreach_lerp_(means, weights, weight)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the model holds the averaged weights; afterwards exactly its own again."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, parameter in self.parameters.items():
            own = parameter.data
            parameter.data = self.mean[name]
            self.mean[name] = own

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over stored averages."""
        for name, tensor in tensors.items():
            self.mean[name] = tensor.to(self.mean[name].device)
