"""What a label column holds: a class, a number on a scale, several labels, or labels in columns of their own."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.types import Table
from bertune.data.columns import label_texts

SAMPLE = 5000  # rows looked at
MOST_GRADES = 20  # whole numbers of more values are a scale, of fewer they may be classes
SEPARATORS = ("|", ";", ",")
JOINED_SHARE = 0.02  # of the rows at least name several labels


def is_scale(table: Table, column: str | None) -> bool:
    """Whether a column holds numbers on a scale: broken ones, or whole ones of more than 20 values."""
    values = _sample(table, column)
    try:
        numbers = {float(value) for value in values}
    except (TypeError, ValueError):
        return False
    whole = all(number == int(number) for number in numbers if np.isfinite(number))
    return bool(numbers) and all(map(np.isfinite, numbers)) and (not whole or len(numbers) > MOST_GRADES)


def is_several(table: Table, column: str | None) -> bool:
    """Whether a column holds several labels a row: lists of texts, or texts joined by a separator."""
    if column is None or column not in table.names:
        return False
    kind = table.columns.column(column).type
    if pa.types.is_nested(kind):
        return _lists_of_texts(kind)
    return separator_of(_sample(table, column)) is not None


def _lists_of_texts(kind: pa.DataType) -> bool:
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    held = kind.value_type
    return bool(pa.types.is_string(held) or pa.types.is_large_string(held) or pa.types.is_null(held))


def separator_of(values: Sequence[Any]) -> str | None:
    """The sign that joins several labels in a text; None where each text is one label.

    A sign joins labels where texts with it fall into pieces that most texts share. It does not where each piece keeps
    to its place in all texts, as in "Smith, John".
    """
    texts = Counter(str(value) for value in values)
    for sign in SEPARATORS:
        joined = [text for text in texts if sign in text]
        if not joined or sum(texts[t] for t in joined) < JOINED_SHARE * sum(texts.values()):
            continue
        split = [[piece.strip() for piece in text.split(sign)] for text in texts]
        if _keep_places(split):
            continue
        pieces = {piece for row in split for piece in row}
        alone = {text.strip() for text in texts} & pieces
        if len(pieces) <= 0.7 * len(texts) or (len(joined) < len(texts) and len(alone) >= 0.8 * len(pieces)):
            return sign
    return None


def _keep_places(split: Sequence[Sequence[str]]) -> bool:
    """Whether all texts have as many pieces, and no piece stands in two places."""
    if len({len(row) for row in split}) > 1:
        return False
    places = [set(column) for column in zip(*split, strict=True)]
    return sum(map(len, places)) == len(set().union(*places))


def _sample(table: Table, column: str | None) -> list[Any]:
    if column is None or column not in table.names or pa.types.is_nested(table.columns.column(column).type):
        return []
    some = table.take(np.unique(np.linspace(0, len(table) - 1, min(len(table), SAMPLE)).astype(np.int64)))
    return [value for value in label_texts(some, column) if value is not None]


def binary_columns(table: Table, names: Sequence[str]) -> list[str]:
    """The columns that hold nothing but 0 and 1, or true and false, both of them."""
    found = []
    for name in names:
        values = set(_sample(table, name))
        if values in ({"0", "1"}, {"true", "false"}, {"True", "False"}):
            found.append(name)
    return found


def number_at(table: Table, column: str, row: int, text: str) -> float:
    """A label as a number. Raises DataError with file and row."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise DataError(
            "this label is no number.", where=str(table.place(row)), expected=f"a number in column {column!r}",
            found=repr(text[:80]), next_move="mend the row, or name another column: --label COLUMN",
        )  # fmt: skip
    return value
