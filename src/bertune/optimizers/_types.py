"""What the optimizers share: types, the walk over tensors, and where torch can do the whole update in one kernel."""

from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt
from pydantic import Field

Groups = list[dict[str, Any]]
"""Parameter groups: {"params": [...]} with, where a group differs, its own "lr" and "weight_decay"."""
Decay = Annotated[float, Ge(0), Field(description="weight decay, for groups without their own")]
Beta = Annotated[float, Ge(0), Lt(1), Field(description="what a running mean keeps of its past at each update")]
Epsilon = Annotated[float, Gt(0), Field(description="number that keeps a quotient finite")]

_ONE_KERNEL = ("cpu", "cuda", "mps", "xpu")


class TensorByTensor(torch.optim.Optimizer):
    """An optimizer that says how one tensor is updated from its gradient and its group."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """One update from the gradients; the closure's loss where one is given."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, parameter.grad, group)
        return loss

    def _update(self, weights: torch.Tensor, gradient: torch.Tensor, group: dict[str, Any]) -> None:
        raise NotImplementedError


def fused(groups: Groups, devices: tuple[str, ...] = _ONE_KERNEL) -> bool | None:
    """True where every parameter is a float on one of these devices, else None (torch chooses the way itself)."""
    parameters = [p for group in groups for p in group["params"]]
    able = all(torch.is_floating_point(p) and p.device.type in devices for p in parameters)
    return True if parameters and able else None
