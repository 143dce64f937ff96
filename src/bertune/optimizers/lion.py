"""Lion: the sign of a mean of gradients."""

from typing import Any

import torch

from bertune.optimizers._types import Beta, Decay, Groups, TensorByTensor


class Lion(TensorByTensor):
    """The sign of a mean of gradients: every weight moves by the learning rate; half of Adam's state.

    Groups have "lr", "betas" and "weight_decay". State per parameter: exp_avg. Source: Chen et al. 2023, algorithm 2.
    """

    def __init__(self, groups: Groups, lr: float, betas: tuple[float, float], weight_decay: float) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def _update(self, weights: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        state = self.state[weights]
        if not state:
            state["exp_avg"] = torch.zeros_like(weights, memory_format=torch.preserve_format)
        mean = state["exp_avg"]
        direction = mean.lerp(gradient, 1.0 - beta1).sign_()
        weights.mul_(1.0 - group["lr"] * group["weight_decay"]).sub_(direction, alpha=group["lr"])
        mean.lerp_(gradient, 1.0 - beta2)


def lion(
    groups: Groups, learning_rate: float, *, beta1: Beta = 0.9, beta2: Beta = 0.99, weight_decay: Decay = 0.05
) -> torch.optim.Optimizer:
    """The sign of a mean of gradients: every weight moves by the learning rate; half of Adam's state.

    weight_decay is decoupled. It needs a learning rate 3 to 10 times smaller than adamw and as much more decay, hence
    the default of five times adamw's. Source: Chen et al. 2023, algorithm 2 and section 5.
    """
    return Lion(groups, learning_rate, (beta1, beta2), weight_decay)
