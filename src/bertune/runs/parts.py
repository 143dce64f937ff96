"""By what the rows of a test are taken apart: length and script of the text, language, and columns of the data."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError
from bertune.base.registry import nearest
from bertune.base.types import Ints, Table
from bertune.data.columns import label_texts
from bertune.data.languages import scripts_of
from bertune.evaluate.slices import MOST

SMALLEST = 20  # rows of a part that is made without being asked for
LANGUAGE = ("language", "lang", "locale", "语言", "语种")

Values = dict[str, Sequence[str | None]]


def columns_there(table: Table, names: Sequence[str], said: str) -> None:
    """Raises DataError where a column to take the rows apart by is missing; `said` is how it was asked for."""
    for name in names:
        if name not in table.names:
            near = nearest(name, list(table.names))
            raise DataError(
                f"there is no column {name!r} to take the rows apart by; did you mean {near!r}?", where=table.files[0],
                expected="one of " + ", ".join(map(repr, table.names[:20])), found=f"{said}{name}",
                next_move="name a column of the data, such as the source or the channel of a text",
            )  # fmt: skip


def parts_of(table: Table, positions: Ints, names: Sequence[str]) -> Values:
    """The value of each row in each of the columns; numbers of more than 30 values in thirds.

    A column that names the language is taken by itself where it has several values.
    """
    rows = table.take(positions)
    found: Values = {}
    for name in names:
        found[f"column {name}" if name in ("length", "script") else name] = _column(rows, name)
    for name in table.names:
        if (
            name.strip().lower() in LANGUAGE
            and name not in names
            and not pa.types.is_nested(rows.columns.column(name).type)
        ):
            column = label_texts(rows, name)
            if 1 < len(set(column)) <= MOST:
                found[name] = column
    return found


def own_parts(texts: Sequence[str], lengths: Ints) -> Values:
    """What is known without a column: short, middling and long texts, and scripts where several are common."""
    found: Values = {}
    if len(lengths) >= 3 * SMALLEST:
        found["length"] = thirds(lengths, " tokens")
    scripts = scripts_of(texts)
    _, n = np.unique(scripts, return_counts=True)
    if (n >= SMALLEST).sum() > 1:
        found["script"] = scripts
    return found


def thirds(values: Ints, unit: str = "") -> list[str | None]:
    """`up to 12 tokens`, `over 12 up to 40 tokens` or `over 40 tokens` for each number; None where it is none."""
    numbers = np.asarray(values, dtype=np.float64)
    known = numbers[np.isfinite(numbers)]
    low, high = np.percentile(known, [100 / 3, 200 / 3], method="lower") if len(known) else (0.0, 0.0)
    names = [f"up to {low:.10g}{unit}", f"over {low:.10g} up to {high:.10g}{unit}", f"over {high:.10g}{unit}"]
    return [names[int(v > low) + int(v > high)] if np.isfinite(v) else None for v in numbers.tolist()]


def _column(table: Table, name: str) -> list[str | None]:
    column = label_texts(table, name)
    if len(set(column)) <= MOST:
        return column
    try:
        return thirds(np.array([np.nan if v is None else float(v) for v in column]))
    except ValueError:
        return column
