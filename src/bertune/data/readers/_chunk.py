"""What every reader gives: portions of rows with the origin of each row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bertune.base.errors import DataError
from bertune.base.types import Ints, Place
from bertune.data._types import column_of, plain_text

CHUNK_ROWS = 10_000
CHUNK_CHARACTERS = 16_000_000
FIELD_CHARACTERS = 10_000_000
COLUMNS = 10_000
NAME_CHARACTERS = 1_000
DEPTH = 4  # of objects within objects whose fields are columns
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "dev": "valid",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "dev_matched": "valid",
    "validation_matched": "valid",
    "test": "test",
    "testing": "test",
    "test_matched": "test",
}


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of a source.

    `rows` (from 1, header not counted), `lines` (from 1; 0 where the format has none) and `files` (index into the
    reader's `files`) have one entry a row. `split` is train, valid or test where the source itself says so. Beside each
    column of objects stand their fields of one text or number, named by their path: `review.text`.
    """

    columns: pa.RecordBatch
    rows: Ints
    lines: Ints
    files: Ints
    split: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _with_fields(self.columns))


def _with_fields(batch: pa.RecordBatch) -> pa.RecordBatch:
    if not any(pa.types.is_struct(field.type) for field in batch.schema):
        return batch
    there = dict(zip(batch.schema.names, batch.columns, strict=True))
    found = dict(there)
    for name, values in there.items():
        _put_fields(found, name, values, DEPTH)
    return pa.RecordBatch.from_arrays(list(found.values()), names=list(found))


def _put_fields(found: dict[str, pa.Array], name: str, values: pa.Array, depth: int) -> None:
    """Put the fields of objects beside them; those of a name that is taken, too deep or too many are left out."""
    if not pa.types.is_struct(values.type) or depth == 0 or len(found) + values.type.num_fields > COLUMNS:
        return
    for field in values.type:
        path = f"{name}.{field.name}"
        if len(path) <= NAME_CHARACTERS and path not in found:
            part = pc.struct_field(values, field.name)
            if not pa.types.is_nested(field.type):
                found[path] = part
            _put_fields(found, path, part, depth - 1)


class Reader(Protocol):
    """A part of this door. `facts` and `files` are known once reading has started.

    `modest` (False where it is absent) leaves to others what they recognise too. `facts` says how the source was read
    (format, encoding, delimiter, what was left out), for the user to see.
    """

    suffixes: ClassVar[tuple[str, ...]]
    facts: dict[str, str]
    files: list[str]

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether this reader is the one for a path."""
        ...

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order, in portions; at least one chunk, so that the columns are known. Raises DataError."""
        ...


def chunk(
    columns: Mapping[str, Sequence[Any]],
    rows: Sequence[int] | Ints,
    lines: Sequence[int] | Ints | None = None,
    *,
    file: int = 0,
    split: str | None = None,
    source: str = "",
    types: Mapping[str, pa.DataType] | None = None,
) -> Chunk:
    """A chunk of Python values, all from one file. Raises DataError for text that is no valid Unicode.

    A column that `types` names has that type; that of the others follows from their values.
    """
    numbers = np.asarray(rows, np.int64)
    at = np.zeros(len(numbers), np.int64) if lines is None else np.asarray(lines, np.int64)
    arrays = []
    for name, values in columns.items():
        try:
            arrays.append(pa.array(values, types[name]) if types and name in types else column_of(values))
        except UnicodeEncodeError:
            raise _surrogate(name, values, numbers, at, source) from None
    batch = pa.RecordBatch.from_arrays(arrays, names=list(columns))
    return Chunk(batch, numbers, at, np.full(len(numbers), file, np.int64), split)


def _surrogate(name: str, values: Sequence[Any], rows: Ints, lines: Ints, source: str) -> DataError:
    at = next(i for i, v in enumerate(values) if not _encodes(v))
    return row_error(
        source,
        int(rows[at]),
        int(lines[at]),
        f"column {name!r} holds half of a surrogate pair, which is no character.",
        expected="valid Unicode text",
        next_move="write the file again from its source, or remove the row",
    )


def _encodes(value: Any) -> bool:
    try:
        plain_text(value).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def row_error(
    source: str,
    row: int,
    line: int,
    message: str,
    *,
    expected: str | None = None,
    found: str | None = None,
    next_move: str | None = None,
) -> DataError:
    """A DataError that names file, row and line; row 0 is the header."""
    if row == 0:
        where = f"{source} header (line {line:,})" if line else f"{source} header"
    else:
        where = str(Place(source, row, line or None))
    return DataError(message, where=where, expected=expected, found=found, next_move=next_move)


def check_names(names: Sequence[str], source: str, line: int) -> None:
    """Refuses column names that are too many, too long, empty, or occur twice. Raises DataError."""
    if len(names) > COLUMNS:
        raise row_error(
            source,
            0,
            line,
            f"there are {len(names):,} columns.",
            expected=f"at most {COLUMNS:,}",
            next_move="keep the columns with text, label and group; is this a table of texts?",
        )
    first: dict[str, int] = {}
    for position, name in enumerate(names):
        if len(name) > NAME_CHARACTERS:
            raise row_error(
                source,
                0,
                line,
                f"the name of column {position + 1} is longer than {NAME_CHARACTERS:,} characters.",
                expected="a line of column names before the data",
                found=repr(name[:40]) + "…",
                next_move="does the file lack its header line? Then put one before the data",
            )
        if not name.strip():
            raise row_error(
                source,
                0,
                line,
                f"column {position + 1} has no name.",
                expected="a name for every column in the first row",
                found=", ".join(repr(n[:40]) for n in names[:12]),
                next_move="name the column or remove it; a table written by pandas: to_csv(..., index=False)",
            )
        if first.setdefault(name, position) != position:
            raise row_error(
                source,
                0,
                line,
                f"two columns are called {name!r} (columns {first[name] + 1} and {position + 1}).",
                expected="every column name once",
                next_move="rename one of them",
            )


def suffixed(path: str, suffixes: Sequence[str]) -> bool:
    """Whether a path ends with one of the suffixes, any case, with or without .gz."""
    low = path.lower()
    return low.removesuffix(".gz").endswith(tuple(suffixes))
