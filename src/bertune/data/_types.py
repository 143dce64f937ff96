"""Arrow types as bertune keeps them: few, wide, and joined the same way wherever two sources meet."""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.large_string()


def normal_type(kind: pa.DataType) -> pa.DataType:
    """The type under which a column is kept: dictionaries are decoded, integers and floats have 64 bits.

    Strings have 64-bit offsets, so a column of any size can be taken and joined.
    """
    if pa.types.is_dictionary(kind):
        return normal_type(kind.value_type)
    if is_text(kind):
        return TEXT
    if pa.types.is_signed_integer(kind) or pa.types.is_uint8(kind) or pa.types.is_uint16(kind):
        return pa.int64()
    if pa.types.is_uint32(kind):
        return pa.int64()
    if pa.types.is_floating(kind):
        return pa.float64()
    return kind


def is_text(kind: pa.DataType) -> bool:
    """Whether values of this type are Unicode text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_number(kind: pa.DataType) -> bool:
    """Whether values of this type are integers or floating-point numbers."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def normal(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch with every column in its normal type."""
    columns = [as_type(column, normal_type(column.type)) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def common_type(first: pa.DataType, second: pa.DataType) -> pa.DataType:
    """The type that holds the values of both: whole and broken numbers join as float64, other scalars as text."""
    if first == second or pa.types.is_null(second):
        return first
    if pa.types.is_null(first):
        return second
    if is_number(first) and is_number(second) and not {first, second} & {pa.uint64()}:
        return pa.float64()
    if pa.types.is_nested(first) and pa.types.is_nested(second):
        fields = [pa.schema([("x", kind)]) for kind in (first, second)]
        try:
            return pa.unify_schemas(fields, promote_options="permissive").field(0).type
        except pa.ArrowException:
            return TEXT
    return TEXT


def common_schema(schemas: Iterable[pa.Schema]) -> pa.Schema:
    """All columns of all schemas in the order in which they are first met, each in the type that holds them all."""
    types: dict[str, pa.DataType] = {}
    for schema in schemas:
        for field in schema:
            types[field.name] = common_type(types.get(field.name, pa.null()), field.type)
    return pa.schema(list(types.items()))


def fit(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the columns and types of a schema; a column that it lacks is null."""
    columns = []
    for field in schema:
        at = batch.schema.get_field_index(field.name)
        columns.append(pa.nulls(batch.num_rows, field.type) if at < 0 else as_type(batch.column(at), field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def as_type(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The values in another type; numbers and truth values become text as `as_text` has it."""
    if values.type == kind:
        return values
    if pa.types.is_dictionary(values.type):
        return as_type(values.dictionary_decode(), kind)
    if is_text(kind):
        return as_text(values)
    if pa.types.is_floating(kind):
        return values.cast(kind, safe=False)
    try:
        return values.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array(values.to_pylist(), kind)


def as_text(values: pa.Array) -> pa.Array:
    """The values as text: 1 and 1.0 are "1", 0.5 is "0.5", true is "true"; NaN and null are null; lists are JSON."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if is_text(kind):
        return values.cast(TEXT)
    if pa.types.is_floating(kind):
        return pa.array([number_text(v) for v in values.to_pylist()], TEXT)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return pa.array([None if v is None else plain_text(v) for v in values.to_pylist()], TEXT)
    try:
        return values.cast(TEXT)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if v is None else str(v) for v in values.to_pylist()], TEXT)


def number_text(value: float | None) -> str | None:
    """A number as text, whole ones without a point; None for None and NaN."""
    if value is None or math.isnan(value):
        return None
    return str(int(value)) if abs(value) < 2**63 and value == int(value) else repr(value)


def plain_text(value: Any) -> str:
    """A Python value as text, in the spelling of JSON where it is not text already."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isnan(value):
        return number_text(value) or ""
    return json.dumps(value, ensure_ascii=False, default=str)


def column_of(values: Sequence[Any]) -> pa.Array:
    """An Arrow column of Python values in a normal type; values of mixed kinds become text.

    Raises UnicodeEncodeError where a text holds half of a surrogate pair.
    """
    try:
        made = pa.array(values, TEXT) if values and isinstance(values[0], str) else pa.array(values)
        if is_number(made.type) and any(isinstance(v, bool) for v in values):
            raise TypeError("Arrow takes true for 1 among numbers")
        return as_type(made, normal_type(made.type))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError, TypeError):
        return pa.array([None if _missing(v) else plain_text(v) for v in values], TEXT)


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ == "NAType"


def spread(rows: int, most: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """At most `most` positions spread evenly over `rows` rows."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).astype(np.int64)) if rows else np.zeros(0, np.int64)


def null_or_blank(values: pa.Array) -> pa.Array:
    """For text values: whether each is null, empty or nothing but white space."""
    return pc.fill_null(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(values)), 0), True)
