"""Rows put together from the tokens of their texts: special tokens around them, cut to a number of tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bertune.base.errors import DataError
from bertune.base.types import Ints

HEAD = 128 / 510  # the share of a cut text that is its head
Keep = Literal["head", "tail", "head_tail"]


@dataclass(frozen=True)
class Frame:
    """The special tokens around one text or two: ids before the first, between them, after the last.

    `gaps` has one more entry than `sides`, which holds the segment of each text; `gap_types` are those of the gaps.
    """

    gaps: tuple[tuple[int, ...], ...]
    gap_types: tuple[tuple[int, ...], ...]
    sides: tuple[int, ...]

    @property
    def specials(self) -> int:
        """How many special tokens there are."""
        return sum(map(len, self.gaps))

    def room(self, max_length: int) -> int:
        """The tokens that special ones leave to texts. Raises DataError where that is not one for each text."""
        room = max_length - self.specials
        if room < len(self.sides):
            raise DataError(
                f"{max_length} tokens are too few for a row.",
                expected=f"at least {self.specials + len(self.sides)}: {self.specials} are special tokens",
                found=str(max_length),
                next_move="raise max_length",
            )
        return room


@dataclass(frozen=True, eq=False)
class Side:
    """Texts as tokens without special ones: text i is pool[begin[i] : begin[i] + size[i]]."""

    pool: NDArray[Any]
    begin: Ints
    size: Ints

    def take(self, rows: slice) -> "Side":
        """Some of the texts."""
        return Side(self.pool, self.begin[rows], self.size[rows])


@dataclass(frozen=True, eq=False)
class _Segment:
    """A part of every row: where in a pool it begins and how much of it there is [rows], and its type or types."""

    pool: NDArray[Any]
    begin: Ints
    size: Ints
    types: NDArray[Any]  # of each token of the pool, or one for all


def cut_rows(frame: Frame, sides: Sequence[Side], max_length: int, keep: Keep = "head") -> tuple[Ints, Ints, Ints]:
    """Every row in its frame, cut to at most `max_length` tokens, of pairs the longer text first: ids[tokens],
    types[tokens], lengths[rows].

    `keep` says what stays of a text that is cut: its first tokens, its last, or some of either end: of each 510 tokens
    128 as head, the rest as tail. Raises DataError where the special tokens leave no room.
    Source of head_tail: Sun et al. (2019), How to fine-tune BERT for text classification?, section 5.3.1.
    """
    rooms = _rooms([side.size for side in sides], frame.room(max_length))
    segments = [_gap(frame, 0, len(sides[0].size))]
    for number, (side, room) in enumerate(zip(sides, rooms, strict=True)):
        kind = np.array(frame.sides[number])
        cut, room = side.size > room, np.minimum(side.size, room)
        head = {"head": room, "tail": np.zeros_like(room), "head_tail": np.rint(room * HEAD).astype(np.int64)}[keep]
        head = np.where(cut, head, room)
        segments.append(_Segment(side.pool, side.begin, head, kind))
        if keep != "head":
            segments.append(_Segment(side.pool, side.begin + side.size - (room - head), room - head, kind))
        segments.append(_gap(frame, number + 1, len(room)))
    return _laid(segments)


def _rooms(sizes: Sequence[Ints], room: int) -> list[Ints]:
    """The tokens that each text of a row may have: of a pair the shorter one up to half, the longer one the rest."""
    if len(sizes) == 1:
        return [np.full(len(sizes[0]), room)]
    first, second = sizes
    shorter = np.minimum(np.minimum(first, second), room // 2)
    return [np.where(first <= second, shorter, room - shorter), np.where(first <= second, room - shorter, shorter)]


def _gap(frame: Frame, number: int, rows: int) -> _Segment:
    ids, types = (np.array(held[number], np.int64) for held in (frame.gaps, frame.gap_types))
    return _Segment(ids, np.zeros(rows, np.int64), np.full(rows, len(ids)), types)


def _laid(segments: Sequence[_Segment]) -> tuple[Ints, Ints, Ints]:
    """The segments of all rows laid end to end, row by row: ids, types, and tokens of each row."""
    sizes = np.stack([segment.size for segment in segments], axis=1)
    begins = (np.cumsum(sizes) - sizes.ravel()).reshape(sizes.shape)
    ids, types = np.empty((2, sizes.sum()), np.int64)
    for number, segment in enumerate(segments):
        if len(segment.pool):
            of, to = (ranges(begin, segment.size) for begin in (segment.begin, begins[:, number]))
            ids[to] = segment.pool[of]
            types[to] = segment.types[of] if segment.types.ndim else segment.types
    return ids, types, sizes.sum(axis=1)


def ranges(begins: Ints, sizes: Ints) -> Ints:
    """The numbers from each begin on, so many as its size says, one range after the other."""
    return np.repeat(begins - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
