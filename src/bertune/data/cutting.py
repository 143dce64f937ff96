"""Texts cut to a number of tokens: their first, their last, or some of either end."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Ints
from bertune.data.tokenizer import Encoded, Frame, TextTokenizer
from bertune.data.windows import in_portions, room_in

HEAD = 128 / 510  # the share of a cut text that is its head
Keep = Literal["head", "tail", "head_tail"]


def cut_rows(
    tokenizer: TextTokenizer, texts: Sequence[str | None], pairs: Sequence[str | None] | None, max_length: int,
    keep: Keep = "head",
) -> Iterator[Encoded]:  # fmt: skip
    """Every row cut to at most `max_length` tokens, of pairs the longer text first; rows in portions.

    `keep` says what stays of a text; with "head" it is what the tokenizer itself gives.
    Raises DataError where the special tokens leave no room.
    """
    if keep == "head":
        yield from tokenizer.encode(texts, pairs, max_length)
        return
    frame = tokenizer.frame(pairs is not None)
    room = room_in(frame, max_length)
    typed = tokenizer.uses_types and pairs is not None
    for sides in in_portions(texts, pairs):
        pieces = [tokenizer.pieces(held) for held in sides]
        rooms = _rooms([np.diff(piece.starts) for piece in pieces], room)
        rows = []
        for row in range(len(sides[0])):
            wholes = [piece.ids[piece.starts[row] : piece.starts[row + 1]] for piece in pieces]
            rows.append(_row(frame, [cut_to(w, int(r[row]), keep) for w, r in zip(wholes, rooms, strict=True)]))
        ids, types = np.concatenate(rows, axis=1)
        yield Encoded(ids, types if typed else None, np.array([row.shape[1] for row in rows]))


def _row(frame: Frame, texts: Sequence[Ints]) -> Ints:
    """Texts with the special tokens around them: ids and segments [2, tokens]."""
    ids, types = [frame.gaps[0]], [frame.gap_types[0]]
    for text, side, gap, kinds in zip(texts, frame.sides, frame.gaps[1:], frame.gap_types[1:], strict=True):
        ids += [tuple(text.tolist()), gap]
        types += [(side,) * len(text), kinds]
    return np.array([sum(ids, ()), sum(types, ())], dtype=np.int64)


def _rooms(sizes: Sequence[Ints], room: int) -> list[Ints]:
    """The tokens that each text of a row may have: of a pair the shorter one up to half, the longer one the rest."""
    if len(sizes) == 1:
        return [np.full(len(sizes[0]), room)]
    first, second = sizes
    shorter = np.minimum(np.minimum(first, second), room // 2)
    return [np.where(first <= second, shorter, room - shorter), np.where(first <= second, room - shorter, shorter)]


def cut_to(tokens: NDArray[Any], room: int, keep: Keep = "head") -> NDArray[Any]:
    """At most `room` of some tokens (without special ones): the first, the last, or some of either end.

    "head_tail" keeps as head 128 of each 510 tokens of room, the rest as tail.
    Source: Sun et al. (2019), How to fine-tune BERT for text classification?, section 5.3.1.
    """
    if len(tokens) <= room:
        return tokens
    head = {"head": room, "tail": 0, "head_tail": round(room * HEAD)}[keep]
    return np.concatenate([tokens[:head], tokens[len(tokens) - (room - head) :]])
