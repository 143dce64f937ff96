"""Attention among the tokens of each text, for texts that lie one after the other; those of like length go together.

For processors: what is quick on a GPU is in `device_attention.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from bertune.model.device_attention import Way
from bertune.model.dropout import mask

ALIKE = 0.8  # of the longest text: shorter ones get a group of their own, as products grow by the square of the length
ROOM = 8  # while learning, the room of a text is a multiple: a kernel is made for each shape
MOST = 2**22  # weights of attention of a group, so that they stay in the processor's cache and take little memory
MANY = 16  # texts of one length that stay among themselves where groups are `apart`
LONG = 256  # tokens from which a group costs less than what filling up wastes


@dataclass(frozen=True, eq=False)
class Group:
    """Texts that attend in one product, each among its own tokens.

    `tokens` are those of the group in the row of all, `texts` its texts in the row of all; there is room for `length`
    tokens a text. Where texts are shorter, `places`[tokens] says where theirs stand in that room, and `bias`[texts × 1
    × length] is minus infinity where nothing stands.
    """

    tokens: slice
    texts: slice
    length: int
    places: Tensor | None = None
    bias: Tensor | None = None

    @property
    def count(self) -> int:
        """How many texts."""
        return int(self.texts.stop - self.texts.start)

    def room(self, values: Tensor) -> Tensor:
        """The group's rows of values[tokens, …], filled up to [texts × length, …]."""
        own = values[self.tokens]
        if self.places is None:
            return own
        return own.new_zeros(self.count * self.length, own.shape[1]).index_copy_(0, self.places, own)

    def put(self, into: Tensor, values: Tensor) -> None:
        """Write values[texts × heads, length, size] to the group's rows of into[tokens, heads × size]."""
        by_token = values.view(self.count, -1, *values.shape[1:]).transpose(1, 2)  # texts, length, heads, size
        if self.places is None:
            into[self.tokens].view(by_token.shape).copy_(by_token)
        else:
            into[self.tokens].copy_(by_token.reshape(self.count * self.length, -1)[self.places])


def groups_of(sizes: Sequence[int], heads: int, apart: bool = False) -> list[Group]:
    """Groups of texts of like length, whose tokens follow each other; `sizes` fall from text to text.

    With `apart`, MANY texts of one length take in no shorter ones: more groups, but little is filled up and copied.
    """
    groups, text, token = [], 0, 0
    while text < len(sizes):
        longest = sizes[text]
        length = longest if apart else -(-longest // ROOM) * ROOM
        least = longest if longest >= LONG else ALIKE * longest
        last, end = text, min(len(sizes), text + max(1, MOST // (heads * length**2)))
        while last < end and sizes[last] >= least and not (apart and last - text >= MANY and sizes[last] < longest):
            last += 1
        own = sizes[text:last]
        groups.append(_group(own, length, slice(token, token + sum(own)), slice(text, last)))
        text, token = last, token + sum(own)
    return groups


def _group(sizes: Sequence[int], length: int, tokens: slice, texts: slice) -> Group:
    if sizes[-1] == length:
        return Group(tokens, texts, length)
    real = torch.arange(length)[None, :] < torch.tensor(sizes)[:, None]
    bias = torch.zeros(len(sizes), 1, length).masked_fill(~real[:, None], -torch.inf)
    return Group(tokens, texts, length, real.flatten().nonzero()[:, 0], bias)


class Grouped(Way):
    """By plain products of texts of like length, which must lie by falling length."""

    falling, drops = True, True

    def __init__(self, sizes: Sequence[int], tokens: int, heads: int, device: torch.device) -> None:
        apart = not torch.is_grad_enabled()  # while learning, masks of dropout are drawn group by group
        self._groups, self._heads = groups_of(sizes, heads, apart), heads

    def __call__(self, projected: Tensor, drop: float, asked: Tensor | None = None) -> Tensor:
        """As `attention` gives it."""
        return attention(projected, self._groups, self._heads, drop, asked)


def attention(
    projected: Tensor, groups: Sequence[Group], heads: int, drop: float, asked: Tensor | None = None
) -> Tensor:
    """Mixtures[tokens, hidden] of the values of each text, from projected[tokens, 3 × hidden] (queries, keys, values).

    With `asked`[texts, hidden], one query a text, `projected` holds keys and values, and there is one mixture a text.
    Tokens beyond those of the groups stand for nothing; their mixtures are 0. `drop` is the probability of dropout.
    Source: Vaswani et al. (2017), Attention Is All You Need, equation 1.
    """
    found: Tensor = _Attention.apply(projected, asked, groups, heads, drop)  # type: ignore[no-untyped-call]
    return found


class _Attention(torch.autograd.Function):
    """Written out, since what autograd makes of the formula copies its operands to and fro, which costs more than the
    products. The softmax is of float32: over rows of odd length it is several times faster than that of bfloat16."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, asked: Tensor | None, groups: Sequence[Group], heads: int, drop: float
    ) -> Tensor:
        parts = 3 if asked is None else 2
        found = projected.new_zeros(len(projected if asked is None else asked), projected.shape[1] // parts)
        saved: list[Tensor | None] = []
        for group in groups:
            split = _by_head(group.room(projected), group.count, parts, heads)
            k, v = split[-2], split[-1]
            q = split[0] if asked is None else _by_head(asked[group.texts], group.count, 1, heads)[0]
            scores = torch.bmm(q, k.transpose(1, 2)).float().mul_(q.shape[2] ** -0.5)
            if group.bias is not None:
                scores.view(group.count, heads, *scores.shape[1:]).add_(group.bias[:, None])
            weights = torch.softmax(scores, dim=-1).to(q.dtype)
            kept = mask(weights.shape, drop, weights.dtype) if drop else None
            mixed = torch.bmm(weights if kept is None else weights * kept, v)
            if asked is None:
                group.put(found, mixed)
            else:
                found[group.texts] = mixed.view(group.count, -1)
            if any(ctx.needs_input_grad):
                saved += [q, k, v, weights, kept]
        ctx.save_for_backward(*saved)
        ctx.of = (projected.shape, asked is not None, groups)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of what was projected and of what asked."""
        (shape, firsts, groups), saved, wide = ctx.of, ctx.saved_tensors, gradient.shape[1]
        of_projected = gradient.new_zeros(shape)
        of_asked = torch.empty_like(gradient) if firsts else None
        for number, group in enumerate(groups):
            q, k, v, weights, kept = saved[5 * number : 5 * number + 5]
            own = gradient[group.texts] if firsts else group.room(gradient)
            of_mixed = _by_head(own, group.count, 1, len(q) // group.count)[0]
            used = weights if kept is None else weights * kept
            group.put(of_projected[:, -wide:], torch.bmm(used.transpose(1, 2), of_mixed))
            of_weights = torch.bmm(of_mixed, v.transpose(1, 2))
            of_weights = (of_weights if kept is None else of_weights.mul_(kept)).float()
            of_scores = torch._softmax_backward_data(of_weights, weights.float(), -1, torch.float32)
            of_scores = of_scores.mul_(q.shape[2] ** -0.5).to(q.dtype)
            group.put(of_projected[:, -2 * wide : -wide], torch.bmm(of_scores.transpose(1, 2), q))
            of_queries = torch.bmm(of_scores, k)
            if of_asked is None:
                group.put(of_projected[:, :wide], of_queries)
            else:
                of_asked[group.texts] = of_queries.view(group.count, -1)
        return of_projected, of_asked, None, None, None


def _by_head(values: Tensor, texts: int, parts: int, heads: int) -> Tensor:
    """[parts, texts × heads, tokens, size] from [texts × tokens, parts × heads × size]."""
    size = values.shape[1] // (parts * heads)
    apart = values.view(texts, -1, parts, heads, size).permute(2, 0, 3, 1, 4)
    return apart.reshape(parts, texts * heads, -1, size)
