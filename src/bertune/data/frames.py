"""Makes Tables of frames and lists: pandas, polars, Arrow, or plain Python."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.types import Place, Table
from bertune.data._types import column_of, common_schema, fit, normal

MEMORY = "<memory>"
_KINDS = "a pandas, polars or Arrow frame, a dict of lists, or a list of texts, of (text, label) pairs or of dicts"


def table_of(value: Any) -> Table:
    """The Table of a frame (by the Arrow PyCapsule interface), a dict of lists or a list.

    A list or series of texts becomes the column `text`, a list of (text, label) tuples `text` and `label`, a list of
    dicts one column a key. Rows count from 1 in the file `<memory>`. Raises DataError.
    """
    if isinstance(value, Table):
        return value
    columns = _columns(value)
    count = columns.num_rows
    zeros = np.zeros(count, np.int64)
    facts = {"format": type(value).__module__.split(".")[0].replace("builtins", type(value).__name__)}
    rows = np.arange(1, count + 1, dtype=np.int64)
    return Table(columns, (MEMORY,), zeros, rows, zeros, np.full(count, -1, np.int64), facts)


def _columns(value: Any) -> pa.Table:
    if isinstance(value, Mapping):
        return _of_lists(value)
    if hasattr(value, "__arrow_c_stream__") and (frame := _of_stream(value)) is not None:
        return frame
    if hasattr(value, "columns") and hasattr(value, "__getitem__"):
        _check_once([str(name) for name in value.columns])
        return _of_lists({name: list(value[name]) for name in value.columns})
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise DataError(f"rows cannot be made of {type(value).__name__}.", where=MEMORY, expected=_KINDS)
    if isinstance(value, (pa.Array, pa.ChunkedArray)):
        return _of_rows(value.to_pylist())
    return _of_rows(value.tolist() if isinstance(value, np.ndarray) else list(value))


def _of_stream(value: Any) -> pa.Table | None:
    """The Arrow table of a frame, or None where the frame holds values that Arrow has no type for."""
    try:
        with pa.RecordBatchReader.from_stream(value) as reader:
            _check_once(reader.schema.names)
            batches = [normal(_without_index(batch)) for batch in reader]
            names = [n for n in reader.schema.names if not n.startswith("__index_level_")]
            empty = normal(pa.RecordBatch.from_pylist([], reader.schema).select(names))
    except (ValueError, TypeError, pa.ArrowNotImplementedError):
        return None
    schema = common_schema([empty.schema])
    return pa.Table.from_batches([fit(batch, schema) for batch in batches], schema)


def _check_once(names: Sequence[str]) -> None:
    for position, name in enumerate(names):
        if name in names[:position]:
            raise DataError(f"two columns are called {name!r}.", where=MEMORY, next_move="rename one of them")


def _without_index(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch without the index that pandas sends along."""
    return batch.select([n for n in batch.schema.names if not n.startswith("__index_level_")])


def _of_lists(value: Mapping[Any, Any]) -> pa.Table:
    lists = {str(name): _listed(name, values) for name, values in value.items()}
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(
            "the columns differ in length.",
            where=MEMORY,
            expected="as many values in each column",
            found=", ".join(f"{name}: {count:,}" for name, count in lengths.items()),
        )
    return pa.table({name: _column(name, values) for name, values in lists.items()})


def _listed(name: Any, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise DataError(
            f"the column {str(name)!r} is no list.",
            where=MEMORY,
            expected="a dict of lists",
            found=type(values).__name__,
        )
    return list(values.tolist() if isinstance(values, np.ndarray) else values)


def _of_rows(rows: Sequence[Any]) -> pa.Table:
    first = next((row for row in rows if row is not None), "")
    if isinstance(first, Mapping):
        _check_all(rows, Mapping, "a dict")
        names = list(dict.fromkeys(str(key) for row in rows for key in row))
        return _of_lists({name: [row.get(name) for row in rows] for name in names})
    if isinstance(first, (tuple, list)):
        _check_all(rows, (tuple, list), "a (text, label) pair")
        for position, row in enumerate(rows):
            if len(row) != 2:
                raise _wrong(position, "a (text, label) pair", f"{len(row)} values")
        return _of_lists({"text": [row[0] for row in rows], "label": [row[1] for row in rows]})
    for position, row in enumerate(rows):
        if not (row is None or isinstance(row, str) or (isinstance(row, float) and math.isnan(row))):
            raise _wrong(position, "a text", type(row).__name__)
    return pa.table({"text": _column("text", [row if isinstance(row, str) else None for row in rows])})


def _check_all(rows: Sequence[Any], kind: Any, words: str) -> None:
    for position, row in enumerate(rows):
        if not isinstance(row, kind):
            raise _wrong(position, words, type(row).__name__)


def _wrong(position: int, expected: str, found: str) -> DataError:
    where = str(Place(MEMORY, position + 1))
    return DataError("the rows are not all of one kind.", where=where, expected=expected, found=found)


def _column(name: str, values: Sequence[Any]) -> pa.Array:
    try:
        made = column_of([v.item() if isinstance(v, np.generic) else v for v in values])
    except UnicodeEncodeError:
        position = next(i for i, v in enumerate(values) if isinstance(v, str) and _broken(v))
        where = str(Place(MEMORY, position + 1))
        raise DataError(
            f"column {name!r} holds half of a surrogate pair, which is no character.",
            where=where,
            expected="valid Unicode text",
        ) from None
    return pa.array([], pa.large_string()) if name == "text" and not values else made


def _broken(value: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in value)
