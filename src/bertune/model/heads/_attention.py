"""Attention over the windows of a text: how much each of them says, learnt from what the encoder makes of it."""

from typing import Any

import torch
from torch import Tensor, nn

from bertune.base.errors import ModelError
from bertune.model.heads._head import More

INNER = 128


class WindowAttention(More):
    """A number for each window: w · tanh(V state), w 0 at first, so that it begins with the mean.

    Source: Ilse et al. (2018), Attention-based deep multiple instance learning, equation 8; the weights are applied to
    the answers of the windows, which leaves the network as it is.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(width, INNER, bias=False), nn.Linear(INNER, 1, bias=False)
        nn.init.zeros_(self.outer.weight)

    def forward(self, states: Tensor) -> Tensor:
        """[windows] from states[windows, width]."""
        found: Tensor = self.outer(torch.tanh(self.inner(states)))
        return found[:, 0].float()


def attention_of(network: Any) -> WindowAttention:
    """Attention for a network's states. Raises ModelError where the network keeps encoder and head in one."""
    if network.base_model is network:
        raise ModelError(
            "this architecture keeps encoder and head in one: there is no state of a window to weigh it by.",
            next_move="--set task.pooling=mean",
        )
    config = network.config
    return WindowAttention(int(getattr(config, "hidden_size", 0) or config.dim))


def with_states(network: Any, given: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """logits[texts, classes] and the encoder's last state of each text's first token [texts, width], in float32."""
    kept: list[Tensor] = []
    hook = network.base_model.register_forward_hook(lambda module, asked, found: kept.append(found[0][:, 0]))
    try:
        logits: Tensor = network(**given).logits
    finally:
        hook.remove()
    return logits.float(), kept[0].float()


def weighed(logits: Tensor, weights: Tensor, owner: Tensor, rows: int) -> Tensor:
    """The mean [rows, classes] of the logits[texts, classes] of a row, weighing exp(weights[texts])."""
    highest = weights.new_full((rows,), -torch.inf).scatter_reduce(0, owner, weights.detach(), "amax")
    mass = torch.exp(weights - highest[owner])
    total = weights.new_zeros(rows).index_add(0, owner, mass)
    shares = (mass / total[owner])[:, None]
    return logits.new_zeros(rows, logits.shape[1]).index_add(0, owner, logits * shares)
