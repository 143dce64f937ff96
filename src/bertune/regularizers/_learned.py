"""What a regularizer sees of the model."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Learned:
    """One parameter that learns, with the value it was pretrained to.

    `start` has the parameter's shape and device, and is None for new weights (a fresh head); `learning_rate` is that of
    the coming update, the schedule's factor included.
    """

    name: str
    parameter: torch.nn.Parameter
    start: Tensor | None
    learning_rate: float
