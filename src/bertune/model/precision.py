"""Half precision: the types that have a name, and computing in them."""

from contextlib import AbstractContextManager

import torch

HALVES = {"bf16": torch.bfloat16, "fp16": torch.float16}
PRECISIONS = (torch.float32, *HALVES.values())


def computing(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Within, products are computed in "bf16" or "fp16"; in "fp32" nothing is changed."""
    return torch.autocast(device.type, HALVES.get(precision, torch.bfloat16), enabled=precision in HALVES)
