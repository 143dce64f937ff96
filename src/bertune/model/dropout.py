"""Dropout whose masks cost little: torch draws them one number after the other, which is a tenth of an update."""

import numpy as np
import torch
from torch import Tensor, nn

from bertune.model.precision import PRECISIONS

PARTS = 2**16  # a mask is drawn from numbers of 16 bits, so that a probability is right to 1 in 131,072


def dropped(values: Tensor, probability: float, training: bool) -> Tensor:
    """The values with a share of them set to 0 and the others scaled up, so that the mean stays.

    On processors the mask follows from the state of torch's generator, as torch's own does, but is another one.
    Source: Srivastava et al. (2014), Dropout, section 4; scaled while training.
    """
    if not training or not probability:
        return values
    if values.device.type != "cpu" or values.dtype not in PRECISIONS:
        return nn.functional.dropout(values, probability, training)
    return values * mask(values.shape, probability, values.dtype)


def mask(shape: torch.Size, probability: float, dtype: torch.dtype) -> Tensor:
    """What values are multiplied by: 0 with the probability, else the inverse of what is left."""
    count = shape.numel()
    seed = int(torch.randint(2**62, (1,)))
    lowest = min(round(probability * PARTS), PARTS - 1)
    drawn = np.random.SFC64(seed).random_raw(-(-count // 4)).view(np.uint16)[:count]
    kept = np.greater_equal(drawn, lowest).view(np.uint8)
    scale = torch.tensor(PARTS / (PARTS - lowest), dtype=dtype)
    if dtype == torch.float32:
        return torch.from_numpy(kept * np.float32(scale.item())).view(shape)
    bits = np.uint16(scale.view(torch.int16).item())  # of 16 bits: 0, or those of the scale
    return torch.from_numpy((kept * bits).view(np.int16)).view(dtype).view(shape)


class Dropout(nn.Dropout):
    """Dropout as a module; takes the place of torch's."""

    def forward(self, values: Tensor) -> Tensor:
        """The values with a share of them set to 0 while training."""
        return dropped(values, self.p, self.training)
