"""Attention among the tokens of each text, for texts that lie one after the other, by what torch has for GPUs."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import pad, scaled_dot_product_attention

from bertune.model.packing import moved, places_of, taken


class Way:
    """A way to attend, made for the `sizes` of texts whose `tokens` lie one after the other, some spare ones last.

    Made once, it is asked in each layer for the mixtures[tokens, hidden] of the values of each text, from
    projected[tokens, 3 × hidden] (queries, keys, values). With `asked`[texts, hidden], one query a text, `projected`
    holds keys and values, and there is one mixture a text. Mixtures of spare tokens are finite and mean nothing.
    `falling` tells whether it needs texts of falling length, `drops` whether it can drop weights (probability `drop`).
    Source: Vaswani et al. (2017), Attention Is All You Need, equation 1.
    """

    falling: ClassVar[bool]
    drops: ClassVar[bool]

    def __init__(self, sizes: Sequence[int], tokens: int, heads: int, device: torch.device) -> None:
        raise NotImplementedError

    def __call__(self, projected: Tensor, drop: float, asked: Tensor | None = None) -> Tensor:
        """The mixtures."""
        raise NotImplementedError


def varlen_attn(*arguments: Any) -> Tensor:
    """Mixtures[queries, heads, size] by torch's kernel, which knows where texts begin: CUDA and half precision only."""
    from torch.nn.attention import varlen  # takes a second to import

    attend: Any = varlen.varlen_attn
    found: Tensor = attend(*arguments)
    return found


class Bounded(Way):
    """By one kernel that is told where each text begins; it has no dropout.

    Source: Dao (2023), FlashAttention-2, section 3; torch.nn.attention.varlen.
    """

    falling, drops = False, False

    def __init__(self, sizes: Sequence[int], tokens: int, heads: int, device: torch.device) -> None:
        self._texts, self._heads, self._spare = len(sizes), heads, tokens - sum(sizes)
        # The kernel leaves rows beyond the last text as they lay in memory, in its gradients too. 0 times what is no
        # number is none, so the spare tokens are a text of their own.
        every = [*sizes, *([self._spare] if self._spare else [])]
        self._longest = max(every)
        self._bounds = moved(torch.tensor([0, *accumulate(every)], dtype=torch.int32), device)
        self._ones = moved(torch.arange(len(every) + 1, dtype=torch.int32), device)

    def __call__(self, projected: Tensor, drop: float, asked: Tensor | None = None) -> Tensor:
        """Mixtures, as a `Way` gives them; `drop` must be 0."""
        if drop:
            raise ValueError("this attention has no dropout")
        if asked is None:
            q, k, v = projected.view(len(projected), 3, self._heads, -1).unbind(1)
            return varlen_attn(q, k, v, self._bounds, self._bounds, self._longest, self._longest).flatten(1)
        k, v = projected.view(len(projected), 2, self._heads, -1).unbind(1)
        queries = torch.cat([asked, asked[:1]]) if self._spare else asked
        q = queries.view(len(queries), self._heads, -1)
        return varlen_attn(q, k, v, self._ones, self._bounds, 1, self._longest).flatten(1)[: self._texts]


class Rectangle(Way):
    """By torch's usual attention in the padded form, which has dropout and any precision; the rest sees no padding."""

    falling, drops = False, True

    def __init__(self, sizes: Sequence[int], tokens: int, heads: int, device: torch.device) -> None:
        self._shape, self._heads, self._real = (len(sizes), max(sizes)), heads, sum(sizes)
        self._places = places_of(sizes, max(sizes), device)
        self._seen = None
        if self._places is not None:
            ends = torch.tensor(sizes)[:, None, None, None]
            self._seen = moved(torch.arange(max(sizes)) < ends, device)

    def __call__(self, projected: Tensor, drop: float, asked: Tensor | None = None) -> Tensor:
        """Mixtures, as a `Way` gives them; those of spare tokens are 0."""
        texts, longest = self._shape
        real, places = projected[: self._real], self._places
        if places is not None:
            real = real.new_zeros(texts * longest, real.shape[1]).index_copy(0, places, real)
        parts = real.view(texts, longest, 2 if asked is not None else 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        q = parts[0] if asked is None else asked.view(texts, 1, self._heads, -1).transpose(1, 2)
        mixed = scaled_dot_product_attention(q, parts[-2], parts[-1], self._seen, drop).transpose(1, 2)
        if asked is not None:
            return mixed.reshape(texts, -1)
        flat = mixed.reshape(texts * longest, -1)
        return pad(flat if places is None else taken(flat, places), (0, 0, 0, len(projected) - self._real))
