"""Which rows share a batch: a pure function of the order, the lengths and the seed."""

from collections.abc import Iterator

import numpy as np

from bertune.base.seeds import generator
from bertune.base.types import Ints

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


def micro_batches(rows: Ints, lengths: Ints, max_tokens: int, most_rows: int | None = None) -> Iterator[Ints]:
    """One batch in portions whose padded size stays within `max_tokens` (a single row may exceed it)."""
    rows = rows[np.argsort(-lengths[rows], kind="stable")]
    start = 0
    while start < len(rows):
        longest = max(int(lengths[rows[start]]), 1)
        size = max(1, max_tokens // longest)
        size = min(size, most_rows or size)
        yield rows[start : start + size]
        start += size


def predicting_batches(lengths: Ints, batch_size: int, max_tokens: int) -> Iterator[Ints]:
    """All rows, longest first, in portions for prediction; the caller puts the answers back in order."""
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, min(batch_size, max_tokens // max(int(lengths[order[start]]), 1)))
        yield order[start : start + size]
        start += size
