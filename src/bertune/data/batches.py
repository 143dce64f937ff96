"""Which rows share a batch: a pure function of the order, the lengths and the seed."""

from collections.abc import Iterator

import numpy as np

from bertune.base.seeds import generator
from bertune.base.types import Ints

LONG = 256  # tokens from which attention's memory outweighs the rest
POOL = 50  # batches sorted together: long enough to make padding small, short enough to keep batches random


def epoch_batches(order: Ints, lengths: Ints, batch_size: int, seed: int, epoch: int, grouped: bool) -> list[Ints]:
    """The batches of one epoch: every entry of `order` exactly once; texts of like length together when `grouped`.

    The order of the batches is shuffled again, so that lengths do not drift within an epoch.
    """
    if not grouped:
        return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    batches: list[Ints] = []
    for start in range(0, len(order), batch_size * POOL):
        pool = order[start : start + batch_size * POOL]
        pool = pool[np.argsort(-lengths[pool], kind="stable")]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    mixed = generator(seed, "batches", epoch).permutation(len(batches))
    return [batches[i] for i in mixed]


def rows_at_once(longest: int, max_tokens: int) -> int:
    """How many texts of a length fit at once: `max_tokens` padded tokens, fewer for long texts.

    Plain attention needs memory by the square of the length, so beyond LONG tokens the rows fall by that square too.
    """
    longest = max(longest, 1)
    return max(1, min(max_tokens // longest, max_tokens * LONG // longest**2))


def micro_batches(rows: Ints, lengths: Ints, max_tokens: int, most_rows: int | None = None) -> Iterator[Ints]:
    """One batch in portions whose padded size stays within `max_tokens` (a single row may exceed it)."""
    rows = rows[np.argsort(-lengths[rows], kind="stable")]
    start = 0
    while start < len(rows):
        size = rows_at_once(int(lengths[rows[start]]), max_tokens)
        size = min(size, most_rows or size)
        yield rows[start : start + size]
        start += size


def predicting_batches(lengths: Ints, batch_size: int, max_tokens: int) -> Iterator[Ints]:
    """All rows, longest first, in portions for prediction; the caller puts the answers back in order."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = min(batch_size, rows_at_once(int(lengths[order[start]]), max_tokens))
        yield order[start : start + size]
        start += size
