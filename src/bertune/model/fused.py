"""Products in bf16 on processors that add the bias, and make GELU, as they are written: one pass instead of three.

torch copies the bias into the result first and adds the product to it. The operators here are those that torch's own
compiler puts in place of linear layers; without them, or without bf16 in hardware, nothing is fused.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, linear

OPERATORS = ("_linear_pointwise", "_reorder_linear_weight", "_is_mkldnn_bf16_supported")


def serves(values: Tensor) -> bool:
    """Whether products of these values are fused here."""
    return values.device.type == "cpu" and values.dtype == torch.bfloat16 and _available()


@cache
def _available() -> bool:
    known = all(hasattr(torch.ops.mkldnn, name) for name in OPERATORS)  # none in a torch without the library
    return bool(known and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def product(values: Tensor, weight: Tensor, bias: Tensor, with_gelu: bool = False) -> Tensor:
    """values[tokens, inputs] times weight[outputs, inputs], as it is or `arranged`, and the bias; of that GELU."""
    if not serves(values):
        found = linear(values, weight, bias)
        return gelu(found) if with_gelu else found
    after: tuple[str, list[float], str] = ("gelu", [], "none") if with_gelu else ("none", [], "")
    fused: Tensor = torch.ops.mkldnn._linear_pointwise(values, weight, bias, *after)
    return fused


def arranged(weight: Tensor, tokens: int) -> Tensor:
    """A weight as the library wants to read it, for products of about so many tokens; for `product` alone."""
    found: Tensor = torch.ops.mkldnn._reorder_linear_weight(weight, tokens)
    return found


def is_gelu(activation: Callable[[Tensor], Tensor] | None) -> bool:
    """Whether an activation is the GELU of Hendrycks and Gimpel (2016) itself, not one of its approximations."""
    plain: Any = getattr(activation, "act", activation)
    return plain is gelu or (isinstance(plain, torch.nn.GELU) and plain.approximate == "none")
