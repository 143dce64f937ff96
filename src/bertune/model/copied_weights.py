"""Linear layers that compute in half precision from copies of their weights, made once for as long as they stay."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bertune.model import fused

Copies = dict[tuple[Any, ...], tuple[Tensor, Tensor]]
_kept: ContextVar[Copies | None] = ContextVar("kept", default=None)  # another thread may learn meanwhile


@contextmanager
def unchanged_weights() -> Iterator[None]:
    """Within, no weight of any model changes, so that one copy of each does."""
    before = _kept.set(kept if (kept := _kept.get()) is not None else {})
    try:
        yield
    finally:
        _kept.reset(before)


def linear(values: Tensor, *layers: nn.Linear, then: Callable[[Tensor], Tensor] | None = None) -> Tensor:
    """What linear layers give side by side, computed in the type of the values, and an activation makes of it:
    [tokens, outputs of all layers].

    Layers that peft has put low-rank changes beside (`lora.Linear`) add them.
    """
    changed = any(hasattr(layer, "lora_A") for layer in layers)
    if not torch.is_grad_enabled() and fused.serves(values) and not changed:
        weight, bias = _copies(layers, values.dtype, arranged_for=len(values))
        with_gelu = fused.is_gelu(then)
        answered = fused.product(values, weight, bias, with_gelu)
        return answered if then is None or with_gelu else then(answered)
    weight, bias = _copies(layers, values.dtype)
    own = [layer.weight for layer in layers] + [layer.bias for layer in layers]
    found: Tensor = _Linear.apply(values, weight, bias, *own)  # type: ignore[no-untyped-call]
    if changed:
        found = found + torch.cat([_added(values, layer) for layer in layers], dim=1)
    return found if then is None else then(found)


def _added(values: Tensor, layer: Any) -> Tensor:
    """What the thin matrices beside a layer add to what it gives, 0 without any: [tokens, outputs]."""
    if not hasattr(layer, "lora_A") or layer.merged:
        return values.new_zeros(len(values), layer.out_features)
    added = values.new_zeros(())
    for name in layer.active_adapters:
        given = layer.lora_dropout[name](values)
        inner = nn.functional.linear(given, layer.lora_A[name].weight.to(values.dtype))
        outer = nn.functional.linear(inner, layer.lora_B[name].weight.to(values.dtype))
        added = added + outer * layer.scaling[name]
    return added


def _copies(layers: tuple[nn.Linear, ...], dtype: torch.dtype, arranged_for: int = 0) -> tuple[Tensor, Tensor]:
    """Weights and biases of the layers, one below the other; where they are kept, in the order that the library wants
    for so many tokens, if any are named."""
    kept = _kept.get()
    if len(layers) == 1 and layers[0].weight.dtype == dtype and (kept is None or not arranged_for):
        return layers[0].weight.detach(), layers[0].bias.detach()
    if kept is None:
        return _copied(layers, dtype)
    key = (*(id(layer) for layer in layers), dtype, arranged_for > 0)
    if key not in kept:
        weight, bias = _copied(layers, dtype)
        kept[key] = fused.arranged(weight, arranged_for) if arranged_for else weight, bias
    return kept[key]


def _copied(layers: tuple[nn.Linear, ...], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        first = layers[0].weight
        rows = [layer.out_features for layer in layers]
        weight, bias = first.new_empty(sum(rows), first.shape[1], dtype=dtype), first.new_empty(sum(rows), dtype=dtype)
        for layer, part, of_bias in zip(layers, torch.split(weight, rows), torch.split(bias, rows), strict=True):
            part.copy_(layer.weight)
            of_bias.copy_(layer.bias)
    return weight, bias


class _Linear(torch.autograd.Function):
    """Computed with copies, learnt by the weights they are of: gradients are of the copies' precision, as in autocast.

    Source: Micikevicius et al. (2018), Mixed precision training, section 3.1.
    """

    @staticmethod
    def forward(ctx: Any, values: Tensor, weight: Tensor, bias: Tensor, *own: Tensor) -> Tensor:
        ctx.save_for_backward(values, weight)
        ctx.rows = [part.shape[0] for part in own[: len(own) // 2]]
        return fused.product(values, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the values and of each weight and bias that learns."""
        values, weight = ctx.saved_tensors
        wanted = ctx.needs_input_grad
        of_values = gradient @ weight if wanted[0] else None
        count = len(ctx.rows)
        of_own: list[Tensor | None] = [None] * (2 * count)
        if any(wanted[3 : 3 + count]):
            whole = torch.split(gradient.t() @ values, ctx.rows)
            of_own[:count] = [part.float() if asked else None for part, asked in zip(whole, wanted[3:], strict=False)]
        if any(wanted[3 + count :]):
            sums = torch.split(gradient.sum(0), ctx.rows)
            asked = zip(sums, wanted[3 + count :], strict=True)
            of_own[count:] = [part.float() if is_asked else None for part, is_asked in asked]
        return of_values, None, None, *of_own
