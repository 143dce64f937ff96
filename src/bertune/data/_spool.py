"""Holds batches in memory while they are few, in memory-mapped Arrow files once they are many."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from bertune.data._types import common_schema, fit

MEMORY_BYTES = 64_000_000


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """The temporary folder of this process; removed at its end."""
    return tempfile.TemporaryDirectory(prefix="bertune-", ignore_cleanup_errors=True)


class _Part:
    """Batches of one schema, written to one Arrow IPC file."""

    def __init__(self, schema: pa.Schema) -> None:
        self.schema = schema
        number, name = tempfile.mkstemp(suffix=".arrow", dir=_folder().name)
        os.close(number)
        self.path = Path(name)
        self.writer: Any = pa.ipc.new_file(name, schema)

    def table(self) -> pa.Table:
        """The batches, memory-mapped; the file's name is removed where the system allows it while mapped."""
        self.writer.close()
        mapped = pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()
        with contextlib.suppress(OSError):
            self.path.unlink()
        return mapped


class Spool:
    """Collects batches, whose columns may differ, into one table."""

    def __init__(self) -> None:
        self._memory: list[pa.RecordBatch] = []
        self._parts: list[_Part] = []
        self._bytes = 0
        self._rows: dict[pa.Schema, int] = {}

    @property
    def on_disk(self) -> bool:
        """Whether the batches were many enough to go to disk."""
        return bool(self._parts)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take one more batch."""
        self._bytes += batch.nbytes
        self._rows[batch.schema] = self._rows.get(batch.schema, 0) + batch.num_rows
        if self._bytes <= MEMORY_BYTES:
            self._memory.append(batch)
            return
        for held in (*self._memory, batch):
            self._write(held)
        self._memory = []

    @property
    def absent(self) -> int:
        """How many cells of the whole table no batch holds: those of columns that some rows lack."""
        whole = _leaves(common_schema(self._rows))
        return sum(rows * (whole - _leaves(schema)) for schema, rows in self._rows.items())

    def _write(self, batch: pa.RecordBatch) -> None:
        if not self._parts or self._parts[-1].schema != batch.schema:
            if self._parts:
                self._parts[-1].writer.close()  # one open file, however often the columns change
            self._parts.append(_Part(batch.schema))
        self._parts[-1].writer.write_batch(batch)

    def table(self) -> pa.Table:
        """All batches in order, in the columns and types that hold them all."""
        if not self._parts:
            schema = common_schema(batch.schema for batch in self._memory)
            return pa.Table.from_batches([fit(batch, schema) for batch in self._memory], schema)
        schema = common_schema(part.schema for part in self._parts)
        return pa.concat_tables([_refit(part, schema) for part in self._parts])


def _leaves(schema: pa.Schema) -> int:
    """The columns of a schema, those within nested types counted one by one."""
    held, count = [field.type for field in schema], 0
    while held:
        kind = held.pop()
        if pa.types.is_struct(kind):
            held.extend(field.type for field in kind)
        elif pa.types.is_nested(kind) and hasattr(kind, "value_type"):
            held.append(kind.value_type)
        else:
            count += 1
    return count


def _refit(part: _Part, schema: pa.Schema) -> pa.Table:
    table = part.table()
    if table.schema == schema:
        return table
    again = _Part(schema)
    for batch in _batches(table):
        again.writer.write_batch(fit(batch, schema))
    return again.table()


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    yield from table.to_batches()
