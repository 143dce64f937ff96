"""Types that the optimizers share, and where torch can do the whole update in one kernel."""

from typing import Annotated, Any

import torch
from annotated_types import Ge, Gt, Lt

Groups = list[dict[str, Any]]
"""Parameter groups: {"params": [...]} with, where a group differs, its own "lr" and "weight_decay"."""
Decay = Annotated[float, Ge(0)]
"""Weight decay, for groups without their own."""
Beta = Annotated[float, Ge(0), Lt(1)]
"""Factor by which a running mean forgets at each update."""
Epsilon = Annotated[float, Gt(0)]
"""Number that keeps a quotient finite."""

_ONE_KERNEL = ("cpu", "cuda", "mps", "xpu")


def fused(groups: Groups, devices: tuple[str, ...] = _ONE_KERNEL) -> bool | None:
    """True where every parameter is a float on one of these devices, else None (torch chooses the way itself)."""
    parameters = [p for group in groups for p in _listed(group)]
    able = all(torch.is_floating_point(p) and p.device.type in devices for p in parameters)
    return True if parameters and able else None


def _listed(group: dict[str, Any]) -> list[torch.Tensor]:
    """The parameters of a group as a list; an iterator is drawn into the group first, so that it is not used up."""
    if isinstance(group["params"], torch.Tensor):
        return [group["params"]]
    group["params"] = list(group["params"])
    return list(group["params"])
