"""Rows of formats whose columns are known beforehand, gathered into chunks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from bertune.data.readers._chunk import CHUNK_CHARACTERS, CHUNK_ROWS, Chunk, chunk

TEXTS = pa.list_(pa.string())
SPANS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("label", pa.string())]))
ITEM_WEIGHT = 40  # characters that an item of a list counts for: it takes memory however short it is


def typed_portions(
    rows: Iterable[tuple[Mapping[str, Any], int, int]],
    types: Mapping[str, pa.DataType],
    path: str,
    *,
    optional: Sequence[str] = (),
    split: str | None = None,
) -> Iterator[Chunk]:
    """(row, line, size in characters) as chunks with a column for each of `types`, at least one chunk.

    An `optional` column stands only in the chunks where some row has a value in it.
    """
    held: list[Mapping[str, Any]] = []
    lines: list[int] = []
    done, size, given = 0, 0, False

    def made() -> Chunk:
        names = [n for n in types if n not in optional or any(row.get(n) is not None for row in held)]
        columns = {name: [row.get(name) for row in held] for name in names}
        numbers = range(done + 1, done + len(held) + 1)
        return chunk(columns, numbers, lines, split=split, source=path, types=types)

    for row, line, characters in rows:
        held.append(row)
        lines.append(line)
        size += characters
        if len(held) == CHUNK_ROWS or size >= CHUNK_CHARACTERS:
            yield made()
            done += len(held)
            held, lines, size, given = [], [], 0, True
    if held or not given:
        yield made()
