"""LAMB: Adam whose update has the size of the weights, tensor by tensor."""

from typing import Any

import torch

from bertune.optimizers._types import Beta, Decay, Epsilon, Groups, TensorByTensor


class Lamb(TensorByTensor):
    """Adam whose update is as large as the learning rate times the norm of each tensor's weights; for big batches.

    Groups have "lr", "betas", "eps", "weight_decay". State per parameter: step, exp_avg, exp_avg_sq. A trust ratio is
    1 where weights or update are all zero.
    Source: You et al. 2020, algorithm 2, with phi the identity and bias correction always on.
    """

    def __init__(self, groups: Groups, lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay})

    def _update(self, weights: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]) -> None:
        beta1, beta2 = group["betas"]
        state = self.state[weights]
        if not state:
            state["step"] = torch.zeros((), dtype=torch.float32)
            state["exp_avg"] = torch.zeros_like(weights, memory_format=torch.preserve_format)
            state["exp_avg_sq"] = torch.zeros_like(weights, memory_format=torch.preserve_format)
        state["step"] += 1
        updates = state["step"].item()
        mean = state["exp_avg"].lerp_(gradient, 1.0 - beta1)
        square = state["exp_avg_sq"].mul_(beta2).addcmul_(gradient, gradient, value=1.0 - beta2)
        size = (square / (1.0 - beta2**updates)).sqrt_().add_(group["eps"])
        update = (mean / (1.0 - beta1**updates)).div_(size).add_(weights, alpha=group["weight_decay"])
        # The ratio stays on the device: no waiting for an accelerator once per tensor.
        weight_norm, update_norm = torch.linalg.vector_norm(weights), torch.linalg.vector_norm(update)
        usable = (weight_norm > 0) & (update_norm > 0)
        ratio = torch.where(usable, weight_norm / update_norm, torch.ones_like(weight_norm))
        weights.sub_(update.mul_(ratio), alpha=group["lr"])


def lamb(
    groups: Groups,
    learning_rate: float,
    *,
    beta1: Beta = 0.9,
    beta2: Beta = 0.999,
    epsilon: Epsilon = 1e-6,
    weight_decay: Decay = 0.01,
) -> torch.optim.Optimizer:
    """Adam whose update is as large as learning rate times the norm of each tensor's weights; for big batches.

    weight_decay is part of the update that is rescaled. Source: You et al. 2020, algorithm 2.
    """
    return Lamb(groups, learning_rate, (beta1, beta2), epsilon, weight_decay)
