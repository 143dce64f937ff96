"""Excel workbooks."""

import os
from collections.abc import Iterator
from typing import Any, ClassVar

from bertune.base.errors import DataError, MissingExtra
from bertune.base.registry import nearest
from bertune.data._types import plain_text
from bertune.data.readers._bounds import check_zip
from bertune.data.readers._chunk import (
    CHUNK_CHARACTERS,
    CHUNK_ROWS,
    FIELD_CHARACTERS,
    Chunk,
    check_names,
    chunk,
    row_error,
)
from bertune.data.readers._header import completed

SHEET_ROWS = 1_048_576
SHEET_CELLS = 100_000_000
PORTION_CELLS = 5_000_000


class Excel:
    """A sheet of an .xlsx workbook, the first one or the one named after a # (`data.xlsx#Sheet2`).

    The first row holds the column names. Formulas count with their stored values; empty rows are no rows. The
    workbook is inflated once, counting, before it is parsed.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".xlsx", ".xlsm")

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the name, without a sheet's name, ends like that of a workbook."""
        return _parts(path)[0].lower().endswith((*Excel.suffixes, ".xls"))

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order; raises DataError, and MissingExtra where openpyxl is absent."""
        file, wanted = _parts(path)
        if file.lower().endswith(".xls"):
            raise DataError(
                "this is a workbook in the old .xls format.",
                where=file,
                expected=".xlsx",
                next_move="save it as .xlsx or .csv in a spreadsheet program",
            )
        check_zip(file)
        book = _open(file)
        try:
            sheet = _sheet(book, file, wanted)
            self.files = [path]
            self.facts = {"format": "excel", "sheet": str(sheet.title)}
            # Declared dimensions may lie; without them rows have the cells that are there.
            sheet.reset_dimensions()
            yield from _chunks(sheet, path)
        finally:
            book.close()


def _parts(path: str) -> tuple[str, str]:
    file, _, sheet = path.partition("#") if "#" in path and not os.path.exists(path) else (path, "", "")
    return file, sheet


def _open(file: str) -> Any:
    try:
        import openpyxl
    except ImportError:
        raise MissingExtra("openpyxl", "excel", "Reading Excel workbooks") from None
    try:
        return openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception as error:
        raise _damaged(file, error) from None


def _damaged(file: str, error: Exception) -> DataError:
    return DataError(
        "the workbook cannot be read.",
        where=file,
        expected="an .xlsx file",
        found=f"{type(error).__name__}: {str(error)[:120]}",
        next_move="open it in a spreadsheet program and save it again as .xlsx or .csv",
    )


def _sheet(book: Any, file: str, wanted: str) -> Any:
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if not sheets:
        raise DataError("the workbook has no sheet with cells.", where=file)
    if not wanted:
        return next(iter(sheets.values()))
    if wanted not in sheets:
        raise DataError(
            f"there is no sheet {wanted!r}.",
            where=file,
            expected=", ".join(sheets),
            next_move=f"did you mean {file}#{nearest(wanted, list(sheets))}?",
        )
    return sheets[wanted]


def _rows(sheet: Any, path: str) -> Iterator[tuple[int, list[Any]]]:
    """(row of the sheet, cells) without the empty cells at the end."""
    rows = enumerate(sheet.iter_rows(values_only=True), 1)
    seen = 0
    while True:
        try:
            number, cells = next(rows)
        except StopIteration:
            return
        except Exception as error:
            raise _damaged(path, error) from None
        if number > SHEET_ROWS:
            raise DataError(f"the sheet has more than {SHEET_ROWS:,} rows.", where=path, next_move="save it as .csv")
        seen += len(cells)
        if seen > SHEET_CELLS:
            raise DataError(
                f"the sheet has more than {SHEET_CELLS:,} cells, empty ones counted.",
                where=f"{path} line {number:,}",
                next_move="remove the empty columns, or save it as .csv",
            )
        values = list(cells)
        while values and (values[-1] is None or values[-1] == ""):
            values.pop()
        yield number, values


def _chunks(sheet: Any, path: str) -> Iterator[Chunk]:
    rows = _rows(sheet, path)
    first = next(((number, values) for number, values in rows if values), None)
    if first is None:
        raise DataError("the sheet is empty.", where=path, expected="a row of column names and rows below it")
    names = completed("" if value is None else plain_text(value) for value in first[1])
    size = 0
    check_names(names, path, first[0])
    held: list[list[Any]] = []
    lines: list[int] = []
    done, given = 0, False
    for number, values in rows:
        if not values:
            continue
        if len(values) > len(names):
            raise row_error(
                path,
                done + len(held) + 1,
                number,
                f"the row has {len(values)} cells, the header {len(names)}.",
                expected=", ".join(names[:12]),
                next_move="name the column or empty the cell",
            )
        size += _characters(values, done + len(held) + 1, number, path)
        held.append(values + [None] * (len(names) - len(values)))
        lines.append(number)
        if len(held) == CHUNK_ROWS or size >= CHUNK_CHARACTERS or len(held) * len(names) >= PORTION_CELLS:
            yield _portion(names, held, lines, done, path)
            done += len(held)
            held, lines, size, given = [], [], 0, True
    if held or not given:
        yield _portion(names, held, lines, done, path)


def _characters(values: list[Any], row: int, line: int, path: str) -> int:
    """The characters of a row. Raises DataError for a cell beyond the bound."""
    sizes = [len(value) for value in values if isinstance(value, str)]
    if max(sizes, default=0) > FIELD_CHARACTERS:
        raise row_error(
            path,
            row,
            line,
            f"a cell is longer than {FIELD_CHARACTERS:,} characters.",
            found=f"{max(sizes):,} characters",
            next_move="split the text, or leave the row out",
        )
    return sum(sizes)


def _portion(names: list[str], held: list[list[Any]], lines: list[int], done: int, path: str) -> Chunk:
    columns = list(zip(*held, strict=True)) if held else [() for _ in names]
    rows = range(done + 1, done + len(held) + 1)
    return chunk(dict(zip(names, map(list, columns), strict=True)), rows, lines, source=path)
