"""Long texts as windows of tokens that keep their places in the text, and the tokens of each word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bertune.base.threads import in_order
from bertune.base.types import Ints
from bertune.data.cutting import Frame, ranges
from bertune.data.portions import in_portions
from bertune.data.tokenizer import Pieces, TextTokenizer
from bertune.data.words import Word

LEAST = 16  # tokens that the text in windows has at least in each, unless it is shorter
Cut = Literal["first", "second"]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of some rows laid end to end, all windows of a row in their order.

    ids[tokens], types[tokens] or None and lengths[windows] are as in `Encoded`. owner[windows] is the row;
    first[windows] is the place of the window's first token in the whole text, counted in tokens. begin[tokens] and
    end[tokens] (exclusive) count the characters of the text that is in windows; both are -1 for special tokens and
    those of the other text. fresh[tokens] says which window answers for a token: every token of the text is fresh in
    one window, the one where it is farthest from a cut (the earlier of two alike), and never where begin is -1. So the
    fresh tokens, as they come, are those of the whole texts in their order.
    `problems` are (row, message) of the rows whose other text had to be cut.
    """

    ids: Ints
    types: Ints | None
    lengths: Ints
    owner: Ints
    first: Ints
    begin: Ints
    end: Ints
    fresh: NDArray[np.bool_]
    problems: tuple[tuple[int, str], ...]


@dataclass(frozen=True, eq=False)
class _Plan:
    """Windows of rows: row, first token, tokens, and from and to which token it answers; kept other tokens [rows]."""

    row: Ints
    first: Ints
    size: Ints
    fresh_from: Ints
    fresh_to: Ints
    kept: Ints


def windows(
    tokenizer: TextTokenizer,
    texts: Sequence[str | None],
    pairs: Sequence[str | None] | None,
    max_length: int,
    stride: int,
    cut: Cut | None = None,
) -> Iterator[Windows]:
    """Every row as one or more windows of at most `max_length` tokens, special ones included; rows in portions.

    Neighbouring windows share `stride` tokens, but never more than half of what a window holds. Of a pair only the text
    that `cut` names is in windows (the second where it names none), the other is whole in each. Where that would leave
    fewer than 16 tokens for the windows, the other is cut to its first tokens so that each has half; `problems` then
    names the row. A missing text counts as "".

    Raises DataError where the special tokens leave no room, and ModelError where the tokenizer fails.
    Source: Devlin et al. (2019), BERT, the sliding windows and the "maximum context" of its SQuAD runs.
    """
    frame = tokenizer.frame(pairs is not None)
    room = frame.room(max_length)
    side = 0 if pairs is None or cut == "first" else 1
    row = 0
    portions = in_portions(texts, pairs)
    for pieces in in_order(lambda sides: [tokenizer.pieces(held) for held in sides], portions, tokenizer.threads):
        other = np.diff(pieces[1 - side].starts) if pairs is not None else np.zeros(len(pieces[0].starts) - 1, np.int64)
        plan = _planned(np.diff(pieces[side].starts), other, room, stride)
        yield _laid(pieces, side, frame, plan, row, tokenizer.uses_types and pairs is not None)
        row += len(other)


def other_lost(
    tokenizer: TextTokenizer, texts: Sequence[str | None], pairs: Sequence[str | None] | None, max_length: int
) -> Ints:
    """Tokens [rows] of the first texts of pairs that no window of the second ones holds."""
    frame = tokenizer.frame(True)
    alone = tokenizer.frame(False).specials
    other, own = (tokenizer.lengths(side, None)[0] - alone for side in (texts, pairs or ()))
    return other - _planned(own, other, frame.room(max_length), 0).kept


def word_tokens(begin: Ints, end: Ints, words: Sequence[Word]) -> tuple[Ints, Ints]:
    """The first token of each word [words], and the word of each token [tokens]; -1 where there is none.

    begin[tokens] and end[tokens] are of one window (or one whole text), as in `Windows`. A word has no token where the
    tokenizer drops all its characters, and where it lies outside of the window. A token that reaches over several words
    is of the first of them, and may be the first token of each.
    """
    first = np.full(len(words), -1, np.int64)
    owner = np.full(len(begin), -1, np.int64)
    at = np.flatnonzero((begin >= 0) & (end > begin))
    if not len(at) or not len(words):
        return first, owner
    starts, ends = np.asarray(words, np.int64).T
    word = np.searchsorted(ends, begin[at], side="right")
    met = (word < len(words)) & (starts[np.minimum(word, len(words) - 1)] < end[at])
    owner[at[met]] = word[met]
    token = np.searchsorted(end[at], starts, side="right")
    met = (token < len(at)) & (begin[at[np.minimum(token, len(at) - 1)]] < ends)
    first[met] = at[token[met]]
    return first, owner


def _planned(tokens: Ints, other: Ints, room: int, stride: int) -> _Plan:
    """Where the windows of texts of these lengths lie, beside others of those lengths."""
    short = room - other < np.minimum(LEAST, tokens)
    kept = np.where(short, np.minimum(other, room // 2), other)
    size = room - kept
    shared = np.minimum(stride, size // 2)
    step = np.maximum(size - shared, 1)
    count = 1 + np.maximum(-(-(tokens - size) // step), 0)
    row = np.repeat(np.arange(len(tokens)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    first = number * step[row]
    fresh_from = first + np.where(number > 0, (shared[row] + 1) // 2, 0)
    fresh_to = np.where(number + 1 < count[row], np.append(fresh_from[1:], 0), tokens[row])
    return _Plan(row, first, np.minimum(size[row], tokens[row] - first), fresh_from, fresh_to, kept)


def _laid(pieces: list[Pieces], side: int, frame: Frame, plan: _Plan, row: int, typed: bool) -> Windows:
    """The windows of a plan, gathered from one pool that holds the special tokens and all texts."""
    starts, sizes = _segments(pieces, side, frame, plan)
    lengths = sizes.sum(axis=1)
    where = ranges(starts.ravel(), sizes.ravel())
    ids, types, begin, end, place = _pool(pieces, side, frame)[:, where]
    return Windows(
        ids=ids,
        types=types if typed else None,
        lengths=lengths,
        owner=plan.row + row,
        first=plan.first,
        begin=begin,
        end=end,
        fresh=(place >= np.repeat(plan.fresh_from, lengths)) & (place < np.repeat(plan.fresh_to, lengths)),
        problems=_problems(pieces, side, plan.kept, row),
    )


def _segments(pieces: list[Pieces], side: int, frame: Frame, plan: _Plan) -> tuple[Ints, Ints]:
    """Where in the pool the segments of each window begin, and their sizes: [windows, gaps and texts by turns]."""
    gap_offsets = np.cumsum([0, *map(len, frame.gaps)])
    text_offsets = np.cumsum([gap_offsets[-1], *(len(piece.ids) for piece in pieces)])
    starts, sizes = [], []
    for number, gap in enumerate(frame.gaps):
        starts.append(np.full(len(plan.row), gap_offsets[number]))
        sizes.append(np.full(len(plan.row), len(gap)))
        if number < len(pieces):
            text = text_offsets[number] + pieces[number].starts[plan.row]
            starts.append(text + plan.first if number == side else text)
            sizes.append(plan.size if number == side else plan.kept[plan.row])
    return np.stack(starts, axis=1), np.stack(sizes, axis=1)


def _pool(pieces: list[Pieces], side: int, frame: Frame) -> Ints:
    """Id, segment, begin, end and place in its text of the special tokens and of all texts: [5, tokens].

    The last three are -1 except for the text that is in windows.
    """
    ids = np.array([token for gap in frame.gaps for token in gap], np.int64)
    types = np.array([kind for gap in frame.gap_types for kind in gap], np.int64)
    parts = [np.stack([ids, types, *np.full((3, len(ids)), -1)])]
    for number, piece in enumerate(pieces):
        place = np.arange(len(piece.ids)) - np.repeat(piece.starts[:-1], np.diff(piece.starts))
        places = (piece.begin, piece.end, place) if number == side else np.full((3, len(place)), -1)
        parts.append(np.stack([piece.ids, np.full(len(place), frame.sides[number]), *places]))
    return np.concatenate(parts, axis=1)


def _problems(pieces: list[Pieces], side: int, kept: Ints, row: int) -> tuple[tuple[int, str], ...]:
    """The rows whose other text is cut."""
    if len(pieces) == 1:
        return ()
    had = np.diff(pieces[1 - side].starts)
    name = ("second", "first")[side]
    return tuple(
        (row + i, f"the {name} text has {had[i]:,} tokens, its first {kept[i]:,} are used.")
        for i in np.flatnonzero(kept < had).tolist()
    )
