"""Reads a source into a Table, joins Tables, and tells their content by a digest."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bertune.base.errors import DataError
from bertune.base.registry import nearest
from bertune.base.types import SPLITS, Ints, Table
from bertune.data._spool import Spool
from bertune.data._types import as_text, common_schema, fit
from bertune.data.choosing import ReadingSettings, reader_for
from bertune.data.readers._chunk import Chunk

DIGEST_ROWS = 65_536
ROWS = 100_000_000
ABSENT_CELLS = 500_000_000


def read(path: str | Path, settings: ReadingSettings, given: str | None = None) -> Table:
    """The rows of a file, folder or hf:<dataset>.

    Chunks are streamed; beyond 64 MB the columns lie in a memory-mapped temporary file. `given` marks all rows with a
    split name (train, valid, test); where the source itself names its splits and `given` is among them, the rows of
    that split alone are read. Raises DataError with file and row.
    """
    source = str(path)
    reader = reader_for(source, settings)
    spool = Spool()
    origins: list[tuple[Ints, Ints, Ints, Ints]] = []
    rows = 0
    for chunk in reader.read(source):
        rows += len(chunk.rows)
        if rows > ROWS:
            raise _too_many(source, f"there are more than {ROWS:,} rows.", ROWS)
        spool.add(chunk.columns)
        origins.append((chunk.files, chunk.rows, chunk.lines, _given(chunk)))
    if spool.absent > ABSENT_CELLS:
        raise _too_many(source, f"rows that lack columns leave {spool.absent:,} empty cells.", ABSENT_CELLS)
    file, row, line, split = (np.concatenate(parts) for parts in zip(*origins, strict=True))
    facts = dict(reader.facts) | ({"memory": "mapped from disk"} if spool.on_disk else {})
    table = Table(spool.table(), tuple(reader.files), file, row, line, split, facts)
    return table if given is None else _marked(table, given)


def _too_many(source: str, message: str, most: int) -> DataError:
    move = "train on a part of the rows, and keep the columns with text, label and group"
    return DataError(message, where=source, expected=f"at most {most:,}", next_move=move)


def _given(chunk: Chunk) -> Ints:
    split = -1 if chunk.split is None else SPLITS.index(chunk.split)
    return np.full(len(chunk.rows), split, np.int64)


def _marked(table: Table, given: str) -> Table:
    number = SPLITS.index(given)
    own = np.flatnonzero(table.given == number)
    if 0 < len(own) < len(table):
        others = {SPLITS[i] if i >= 0 else "no split" for i in set(table.given.tolist()) - {number}}
        said = f"{len(own):,} rows of its split {given}; not those of {', '.join(sorted(others))}"
        return replace(table.take(own), facts=dict(table.facts) | {"rows": said})
    return replace(table, given=np.full(len(table), number, np.int64))


def concatenate(tables: Sequence[Table], required: Sequence[str] = ()) -> Table:
    """One table of all rows. Columns may stand in another order, and one that a table lacks is null there.

    Types are joined: whole and broken numbers to float64, anything else to text. `required` columns must be in each
    table. Raises DataError naming file and column where a required column is missing, where two names differ in case
    only, or where lists meet plain values.
    """
    first = tables[0]
    for table in tables:
        for name in required:
            if name not in table.names:
                raise _lacks(table, name)
    for table in tables[1:]:
        _check_alike(first, table)
    kept = common_schema(table.columns.schema for table in tables)
    columns = pa.concat_tables([_refit(table.columns, kept) for table in tables])
    files: list[str] = []
    places = []
    for table in tables:
        offset = len(files)
        files.extend(table.files)
        places.append((table.file + offset, table.row, table.line, table.given))
    file, row, line, given = (np.concatenate(parts) for parts in zip(*places, strict=True))
    return Table(columns, tuple(files), file, row, line, given, first.facts)


def _refit(columns: pa.Table, kept: pa.Schema) -> pa.Table:
    if columns.schema == kept:
        return columns
    return pa.Table.from_batches([fit(batch, kept) for batch in columns.to_batches()], kept)


def _lacks(table: Table, name: str) -> DataError:
    return DataError(
        f"there is no column {name!r}.",
        where=table.files[0],
        expected=f"the column {name!r}, as in the training file",
        found=", ".join(table.names),
        next_move=f"rename {nearest(name, list(table.names))!r}, or add the column",
    )


def _check_alike(first: Table, table: Table) -> None:
    by_case = {name.casefold(): name for name in first.names}
    for name in table.names:
        twin = by_case.get(name.casefold(), name)
        if twin != name and name not in first.names and twin not in table.names:
            raise DataError(
                f"the column {name!r} is called {twin!r} in {first.files[0]}.",
                where=table.files[0],
                next_move=f"rename it to {twin!r}",
            )
        if name in first.names:
            _check_kinds(first, table, name)
    if len(first.columns.schema) and not set(first.names) & set(table.names):
        raise DataError(
            f"no column is shared with {first.files[0]}.",
            where=table.files[0],
            expected=", ".join(first.names),
            found=", ".join(table.names),
            next_move="give the columns the same names; does the file lack a header line?",
        )


def _check_kinds(first: Table, table: Table, name: str) -> None:
    kinds = [t.columns.schema.field(name).type for t in (first, table)]
    nested = [pa.types.is_nested(kind) for kind in kinds]
    if nested[0] != nested[1] and not any(pa.types.is_null(kind) for kind in kinds):
        raise DataError(
            f"the column {name!r} holds {'lists' if nested[1] else 'plain values'}.",
            where=table.files[0],
            expected=f"{'lists' if nested[0] else 'plain values'}, as in {first.files[0]}",
            found=str(kinds[1]),
            next_move="write both files in the same form",
        )


def digest(table: Table, columns: Sequence[str]) -> str:
    """The sha256 of the content of columns, in this order, in hex.

    The same over processes, chunking and formats: values count as text, null and "" differ.
    """
    whole = hashlib.sha256()
    for name in columns:
        lengths, content = hashlib.sha256(), hashlib.sha256()
        for part in table.columns.column(name).chunks:
            for start in range(0, len(part), DIGEST_ROWS):
                values = as_text(part.slice(start, DIGEST_ROWS))
                sizes = pc.fill_null(pc.cast(pc.binary_length(values), pa.int64()), -1)
                lengths.update(sizes.to_numpy(zero_copy_only=False).astype("<i8").tobytes())
                content.update("".join(v for v in values.to_pylist() if v).encode("utf-8"))
        for piece in (name.encode("utf-8"), lengths.digest(), content.digest()):
            whole.update(len(piece).to_bytes(8, "little") + piece)
    return whole.hexdigest()
