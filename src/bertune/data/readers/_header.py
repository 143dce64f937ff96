"""Whether a table starts with the names of its columns, and names for columns that have none."""

from collections.abc import Iterable, Sequence

RECURRING = 3  # so many rows with a cell of the first row in the same column: no name of a column


def headless(records: Sequence[Sequence[str]]) -> bool:
    """Whether the first of some records is a row of data and not the names of the columns.

    It is where one of its cells is a number over numbers alone, or stands in the same column of RECURRING other rows,
    those left out that repeat the whole first row. Names that count the columns (0, 1, 2), as pandas writes them, are
    names.
    """
    first, rest = records[0] if records else (), [r for r in records[1:] if r != records[0]]
    if not rest or _counts([cell.strip() for cell in first]):
        return False
    for cell, *column in zip(first, *(r for r in rest if len(r) == len(first)), strict=True):
        told = [value.strip() for value in column if value.strip()]
        if cell.strip() and told.count(cell.strip()) >= RECURRING:
            return True
        if told and _number(cell) and all(map(_number, told)):
            return True
    return False


def _counts(names: list[str]) -> bool:
    """Whether names count the columns from 0, the first of them (an index) perhaps empty."""
    counted = names[1:] if names and not names[0] else names
    return bool(counted) and counted == [str(i) for i in range(len(counted))]


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell


def completed(names: Iterable[str]) -> list[str]:
    """The names, and for columns without one (an index that pandas wrote, what stood beside a sheet) their number."""
    given = list(names)
    there = set(given)
    found = []
    for number, name in enumerate(given, 1):
        if name.strip():
            found.append(name)
            continue
        made = f"column_{number}"
        while made in there:
            made += "_"
        found.append(made)
    return found
