"""Answers in bf16 whose decisions are those of float32: rows that lie near a border are computed once more."""

from collections.abc import Callable

import numpy as np

from bertune.base.seeds import generator
from bertune.base.types import Answers, Floats, Ints
from bertune.data.cutting import ranges
from bertune.data.store import TokenStore

SAMPLE = 32  # rows that are computed both ways whatever they say
SAFE = 4.0  # how often the largest difference that was seen a row must be away from its nearest border
FEW = 128  # rows up to which all are computed in float32: there is little to win


def guarded(
    store: TokenStore, answer: Callable[[TokenStore, str], Answers], room: Callable[[Answers], Floats]
) -> Answers:
    """Answers to the rows of a store: in bf16, and in float32 where their decision could be another.

    `answer(store, precision)` computes, `room(answers)` tells by how much every number of a row may change before its
    decision does. How far bf16 is away is measured: on a sample of the rows, drawn by length, and on every row that is
    computed again. Rows within SAFE times the largest difference of a border are computed again, until none is left.
    Rows of the same tokens get the same answer.
    """
    firsts = store.firsts()
    own = firsts == np.arange(len(store))
    if own.sum() <= FEW:
        return answer(store, "fp32")
    found = answer(store, "bf16")
    with np.errstate(invalid="ignore"):
        free = room(found)
    rows, again, largest = _sample(np.flatnonzero(own), store.lengths), np.zeros(len(store), bool), 0.0
    while len(rows):
        exact, items = answer(store.take(rows), "fp32").values, _items(found, rows)
        with np.errstate(invalid="ignore"):
            off = np.abs(found.values[items] - exact)
        largest = float(np.where(np.isnan(off), np.inf, off).max(initial=largest))
        found.values[items] = exact
        again[rows] = True
        rows = np.flatnonzero(own & ~again & ~(free > SAFE * largest))  # what is no number is near every border
    copies = np.flatnonzero(~own)
    found.values[_items(found, copies)] = found.values[_items(found, firsts[copies])]
    return found


def _sample(rows: Ints, lengths: Ints) -> Ints:
    """One row each of SAMPLE parts with as many rows each, the shortest first; the same whenever it is asked."""
    random = generator(0, "rows that are computed both ways")
    parts = np.array_split(rows[np.argsort(lengths[rows], kind="stable")], min(SAMPLE, len(rows)))
    return np.array([part[random.integers(len(part))] for part in parts], np.int64)


def _items(answers: Answers, rows: Ints) -> Ints:
    """Where the items of some rows stand among all."""
    starts = answers.starts[rows]
    return ranges(starts, answers.starts[rows + 1] - starts)
