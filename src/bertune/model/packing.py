"""Packed texts in, one output a text out. The padded form exists only inside this file."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bertune.base.types import Batch

AT_ONCE = 16_384  # padded tokens of several texts that are answered at once


def pad(batch: Batch, pad_id: int) -> dict[str, Tensor]:
    """The padded form of a batch: input_ids[texts, longest], attention_mask where texts differ in length, types.

    The mask is left out when no text is padded: attention is faster without one.
    """
    real = real_tokens(batch)
    ids = torch.full(real.shape, pad_id, dtype=batch.ids.dtype, device=batch.ids.device)
    ids[real] = batch.ids
    padded = {"input_ids": ids}
    if len(batch.ids) != real.numel():
        padded["attention_mask"] = real.to(torch.long)
    if batch.types is not None:
        types = torch.zeros_like(ids)
        types[real] = batch.types
        padded["token_type_ids"] = types
    return padded


def portions(batch: Batch, most: int = AT_ONCE) -> Iterator[Batch]:
    """The texts of a batch in portions of at most `most` padded tokens: a row may own more than memory holds at once.

    Where gradients are kept it stays whole: they need all of it anyway.
    `owner`, `targets` and `rows` stay those of the batch.
    """
    sizes = (batch.starts[1:] - batch.starts[:-1]).tolist()
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
    sizes = batch.starts[1:] - batch.starts[:-1]
    longest = int(sizes.max()) if len(sizes) else 0
    return torch.arange(longest, device=batch.ids.device)[None, :] < sizes[:, None]


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
    """The batch with its tensors on a device."""
    if device.type == "cpu":
        return batch
    move: Any = lambda t: None if t is None else t.to(device, non_blocking=True)  # noqa: E731
    return replace(
        batch, ids=move(batch.ids), starts=move(batch.starts), owner=move(batch.owner), targets=move(batch.targets),
        types=move(batch.types), beside={name: move(values) for name, values in batch.beside.items()},
    )  # fmt: skip
