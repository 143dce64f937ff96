"""Texts at rest: in memory while they are few, in memory-mapped temporary files once they are many."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import overload

import numpy as np
import pyarrow as pa

from bertune.base.types import Ints
from bertune.data._spool import Spool

BATCH_ROWS, BATCH_CHARACTERS = 4096, 1_000_000  # a batch ends with whichever comes first


class Texts(Sequence[str | None]):
    """Texts by position, None where missing. Slices and `take` give Texts over the same store, copying nothing."""

    def __init__(self, column: pa.ChunkedArray, order: Ints | None = None) -> None:
        self._column, self._order = column, order
        self._ends = list(accumulate(len(chunk) for chunk in column.chunks))

    def __len__(self) -> int:
        return len(self._column) if self._order is None else len(self._order)

    @overload
    def __getitem__(self, at: int) -> str | None: ...
    @overload
    def __getitem__(self, at: slice) -> "Texts": ...
    def __getitem__(self, at: int | slice) -> "str | Texts | None":
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            return self.take(np.arange(start, stop, step))
        position = at + len(self) if at < 0 else at
        if not 0 <= position < len(self):
            raise IndexError(at)
        return self._at(position if self._order is None else int(self._order[position]))

    def _at(self, row: int) -> str | None:
        chunk = bisect_right(self._ends, row)
        before = self._ends[chunk - 1] if chunk else 0
        text: str | None = self._column.chunk(chunk)[row - before].as_py()
        return text

    def __iter__(self) -> Iterator[str | None]:
        if self._order is not None:
            yield from (self._at(row) for row in self._order.tolist())
            return
        for chunk in self._column.chunks:
            yield from chunk.to_pylist()

    def take(self, positions: Ints) -> "Texts":
        """The texts at these positions, in this order."""
        return Texts(self._column, positions if self._order is None else self._order[positions])

    def positions_in(self, whole: "Texts") -> Ints | None:
        """Where in `whole` these texts stand, where they were taken from it; else None."""
        if self._column is not whole._column or whole._order is not None:
            return None
        return np.arange(len(self)) if self._order is None else self._order


def held(texts: Iterable[str | None]) -> Texts:
    """Keeps texts as they come by; more than 64 MB of them lie on disk and not in memory."""
    spool = Spool()
    batch: list[str | None] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text or "")
        if len(batch) == BATCH_ROWS or size > BATCH_CHARACTERS:
            spool.add(_batch(batch))
            batch, size = [], 0
    spool.add(_batch(batch))
    return Texts(spool.table().column("text"))


def _batch(texts: Sequence[str | None]) -> pa.RecordBatch:
    return pa.record_batch({"text": pa.array(texts, pa.string())})
