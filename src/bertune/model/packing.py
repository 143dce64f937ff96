"""Packed texts in, one output a text out. The padded form exists only inside this file."""

from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bertune.base.types import Batch

AT_ONCE = 16_384  # padded tokens of several texts that are answered at once
_mask_last: ContextVar[tuple[Tensor | None, list[int]]] = ContextVar("mask_last", default=(None, []))


def pad(batch: Batch, pad_id: int) -> dict[str, Tensor]:
    """The padded form of a batch: input_ids[texts, longest], attention_mask where texts differ in length, types.

    The mask is left out when no text is padded: attention is faster without one. `sizes_of` knows the mask again.
    """
    sizes = sizes_in(batch)
    texts, longest = len(sizes), max(sizes, default=0)
    places = places_of(sizes, longest, batch.ids.device)

    def filled(values: Tensor, filling: int) -> Tensor:
        if places is None:
            return values.reshape(texts, longest)
        return values.new_full((texts * longest,), filling).index_copy(0, places, values).view(texts, longest)

    padded = {"input_ids": filled(batch.ids, pad_id)}
    if places is not None:
        padded["attention_mask"] = mask = real_tokens(batch).to(torch.long)
        _mask_last.set((mask, sizes))
    if batch.types is not None:
        padded["token_type_ids"] = filled(batch.types, 0)
    return padded


def packed(values: Tensor, batch: Batch) -> Tensor:
    """[tokens, …] of a padded form of the batch, values[texts, longest, …]. Raises ValueError for another form."""
    sizes = sizes_in(batch)
    texts, longest = values.shape[:2]
    if (texts, longest) != (len(sizes), max(sizes, default=0)):
        raise ValueError(
            f"expected {len(sizes)} texts of up to {max(sizes, default=0)} tokens, found {texts} of {longest}"
        )
    places = places_of(sizes, longest, values.device)
    flat = values.flatten(0, 1)
    return flat if places is None else taken(flat, places)


def taken(values: Tensor, places: Tensor) -> Tensor:
    """The rows of values[rows, …] at some places, no two of them the same."""
    found: Tensor = _Taken.apply(values, places)  # type: ignore[no-untyped-call]
    return found


class _Taken(torch.autograd.Function):
    """Puts gradients where the rows came from. Indexing would add them up, as places might be the same, for which a GPU
    sorts them first."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(places)
        ctx.shape = values.shape
        return values.index_select(0, places)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        """The gradient of the values."""
        (places,) = ctx.saved_tensors
        return gradient.new_zeros(ctx.shape).index_copy_(0, places, gradient), None


def sizes_of(ids: Tensor, mask: Tensor | None) -> list[int]:
    """How many tokens each text of a padded form has: input_ids[texts, longest] and its attention_mask.

    Of the mask that `pad` made last they are known. Otherwise they are read from it, and a GPU is waited for.
    """
    if mask is None:
        return [ids.shape[1]] * len(ids)
    made, sizes = _mask_last.get()
    if made is not None and (made is mask or (made.shape == mask.shape and made.data_ptr() == mask.data_ptr())):
        return sizes
    found: list[int] = mask.sum(dim=1).tolist()
    return found


def places_of(sizes: Sequence[int], longest: int, device: torch.device) -> Tensor | None:
    """Where the tokens of texts stand in a rectangle with room for `longest` tokens a text, its rows one after the
    other: [tokens]. None where they fill it."""
    if all(size == longest for size in sizes):
        return None
    return moved(_real(sizes, longest).flatten().nonzero()[:, 0], device)


def _real(sizes: Sequence[int], longest: int) -> Tensor:
    return torch.arange(longest)[None, :] < torch.tensor(sizes, dtype=torch.long)[:, None]


def sizes_in(batch: Batch) -> list[int]:
    """How many tokens each text of a batch has."""
    sizes: list[int] = (batch.starts[1:] - batch.starts[:-1]).tolist()
    return sizes


def portions(batch: Batch, most: int = AT_ONCE) -> Iterator[Batch]:
    """The texts of a batch in portions of at most `most` padded tokens: a row may own more than memory holds at once.

    Where gradients are kept it stays whole: they need all of it anyway.
    `owner`, `targets` and `rows` stay those of the batch.
    """
    sizes = sizes_in(batch)
    if torch.is_grad_enabled() or not sizes or len(sizes) * max(sizes) <= most:
        yield batch
        return
    each = max(1, most // max(sizes))
    for first in range(0, len(sizes), each):
        starts = batch.starts[first : first + each + 1]
        tokens = slice(int(starts[0]), int(starts[-1]))
        types = None if batch.types is None else batch.types[tokens]
        yield replace(batch, ids=batch.ids[tokens], starts=starts - starts[0], types=types)


def real_tokens(batch: Batch) -> Tensor:
    """Which places of the padded form hold a token: truth values [texts, longest]."""
    sizes = sizes_in(batch)
    return moved(_real(sizes, max(sizes, default=0)), batch.ids.device)


def joined(parts: Sequence[Batch]) -> Batch:
    """Several batches of one task as one, in their order."""
    rows = np.cumsum([0, *(len(part.rows) for part in parts)]).tolist()
    tokens = np.cumsum([0, *(len(part.ids) for part in parts)]).tolist()
    types = [part.types for part in parts if part.types is not None]
    starts = [part.starts[1:] + offset for part, offset in zip(parts, tokens[:-1], strict=True)]
    return replace(
        parts[0],
        ids=torch.cat([part.ids for part in parts]), starts=torch.cat([parts[0].starts[:1], *starts]),
        owner=torch.cat([part.owner + offset for part, offset in zip(parts, rows[:-1], strict=True)]),
        targets=torch.cat([part.targets for part in parts]), rows=np.concatenate([part.rows for part in parts]),
        types=torch.cat(types) if types else None,
        beside={name: torch.cat([part.beside[name] for part in parts]) for name in parts[0].beside},
    )  # fmt: skip


def to_device(batch: Batch, device: torch.device) -> Batch:
    """The batch with its tensors on a device, all but `starts`: they are the shape of what is computed, and who reads
    them from a GPU waits until it has computed all that was asked before."""
    if device.type == "cpu":
        return batch
    move: Any = lambda t: None if t is None else moved(t, device)  # noqa: E731
    return replace(
        batch, ids=move(batch.ids), owner=move(batch.owner), targets=move(batch.targets), types=move(batch.types),
        beside={name: move(values) for name, values in batch.beside.items()},
    )  # fmt: skip


def moved(values: Tensor, device: torch.device) -> Tensor:
    """Values on a device; a GPU takes those of the processor while it computes, for which they must be pinned."""
    if device.type == "cuda" and values.device.type == "cpu":
        values = values.pin_memory()
    return values.to(device, non_blocking=True)
