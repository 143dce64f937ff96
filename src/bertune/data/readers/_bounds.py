"""Bounds on what strangers' files claim and contain, checked before a parser allocates for them."""

import os
import zipfile
import zlib
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bertune.base.errors import DataError
from bertune.data._types import is_text
from bertune.data.readers._chunk import COLUMNS, row_error
from bertune.data.readers._pages import BadPageError, pages

PARQUET_BYTES = 16_000_000_000
PARQUET_RATIO = 200
PARQUET_FREE_BYTES = 1_000_000_000
PARQUET_COLUMNS = COLUMNS
PARQUET_ROWS = 100_000_000
PARQUET_CELLS = 2_000_000_000
PARQUET_PARTS = 300_000
PAGE_BYTES = 512_000_000
NESTED_VALUES = 10_000_000
ZIP_BYTES = 1_000_000_000
ZIP_RATIO = 200
RATIO_FREE_BYTES = 64_000_000
ZIP_MEMBERS = 10_000
XML_TAGS = 60_000_000
ROW_TAGS = 1_000_000
_BLOCK = 1 << 18


def check_parquet(path: str) -> None:
    """Refuses a Parquet file whose footer or pages claim more than a table of text has. Raises DataError."""
    try:
        footer = pq.read_metadata(path)
        groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        least = min((group.total_byte_size for group in groups), default=0)
    except (pa.ArrowException, OSError, ValueError) as error:  # a name that is no UTF-8 is a ValueError
        raise _no_parquet(path, error) from None
    claims = (
        ("columns", footer.num_columns, PARQUET_COLUMNS),
        ("rows", footer.num_rows, PARQUET_ROWS),
        ("values (rows times columns)", footer.num_rows * footer.num_columns, PARQUET_CELLS),
        ("columns in all its row groups", footer.num_columns * footer.num_row_groups, PARQUET_PARTS),
        ("bytes when inflated", size, parquet_bytes(path)),
    )
    for what, claimed, most in claims:
        if claimed > most or claimed < 0 or least < 0:
            raise _claim(path, f"the footer claims {claimed:,} {what}.", most)
    _check_pages(path, footer)


def _check_pages(path: str, footer: Any) -> None:
    """A reader makes room for what a page claims, whatever the footer says of it."""
    most, nested = parquet_bytes(path), max(NESTED_VALUES, 4 * os.path.getsize(path))
    repeated = [footer.schema.column(i).max_repetition_level > 0 for i in range(footer.num_columns)]
    size = values = 0
    try:
        for page in pages(path):
            size += page.inflated
            values += page.values if page.column < len(repeated) and repeated[page.column] else 0
            if page.inflated > PAGE_BYTES:
                raise _claim(path, f"a page of column {page.column + 1} claims {page.inflated:,} bytes.", PAGE_BYTES)
            if size > most:
                raise _claim(path, f"the pages claim more than {most:,} bytes when inflated.", most)
            if values > nested:
                raise _claim(path, f"the lists claim more than {nested:,} values.", nested)
    except (BadPageError, IndexError, OSError) as error:
        raise _no_parquet(path, error) from None


def _claim(path: str, message: str, most: int) -> DataError:
    move = "if the file is yours, split it into parts, or keep the columns with text and label"
    return DataError(message, where=path, expected=f"at most {most:,}", next_move=move)


def _no_parquet(path: str, error: Exception) -> DataError:
    return DataError(
        "this is no whole Parquet file.",
        where=path,
        expected="a file that begins and ends with PAR1",
        found=f"{os.path.getsize(path):,} bytes; {str(error).splitlines()[0][:120]}",
        next_move="copy the file again and compare the sizes, or name its format: --set data.format=…",
    )


def parquet_bytes(path: str) -> int:
    """How many bytes the values of a Parquet file may have: of a small file fewer than of a large one."""
    return min(PARQUET_BYTES, max(PARQUET_RATIO * os.path.getsize(path), PARQUET_FREE_BYTES))


def decoded_bytes(batch: pa.RecordBatch) -> int:
    """The size of a batch once its dictionaries are decoded, without decoding them."""
    total = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and is_text(column.type.value_type):
            lengths = pc.take(pc.binary_length(column.dictionary), column.indices)
            total += int(pc.sum(lengths).as_py() or 0)
        else:
            total += column.nbytes
    return total


def check_text(batch: pa.RecordBatch, path: str, done: int) -> None:
    """Refuses text that is no valid UTF-8; `done` rows came before the batch. Raises DataError naming the row."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            column.validate(full=True)
            if pa.types.is_dictionary(column.type):
                column.dictionary.validate(full=True)
        except pa.ArrowInvalid:
            values = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            raise row_error(
                path,
                done + _first_bad(values) + 1,
                0,
                f"column {name!r} holds bytes that are no UTF-8 text.",
                expected="UTF-8, as Parquet and Arrow require of text",
                next_move="write the file again from its source, decoding the text rightly",
            ) from None


def _first_bad(values: pa.Array) -> int:
    for position in range(len(values)):
        try:
            values.slice(position, 1).validate(full=True)
        except pa.ArrowInvalid:
            return position
    return 0


def check_zip(path: str) -> None:
    """Inflates the members of a zip file (as xlsx is), counting, and refuses bombs and damage. Raises DataError."""
    size = os.path.getsize(path)
    most = min(ZIP_BYTES, max(ZIP_RATIO * size, RATIO_FREE_BYTES))
    total, tags = 0, _Tags(path)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > ZIP_MEMBERS:
                raise _zip_bomb(path, f"{len(members):,} members", f"at most {ZIP_MEMBERS:,} members")
            for member in members:
                with archive.open(member) as source:
                    while block := source.read(_BLOCK):
                        total += len(block)
                        if total > most:
                            raise _zip_bomb(path, f"more than {most:,} bytes", f"at most {most:,} bytes inflated")
                        if member.filename.lower().endswith((".xml", ".rels", ".vml")):
                            tags.count(block)
                    tags.ended()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise DataError(
            "this is no whole Excel workbook.",
            where=path,
            expected="an .xlsx file",
            found=str(error)[:120],
            next_move="open it in a spreadsheet program and save it again as .xlsx or .csv",
        ) from None


class _Tags:
    """Counts the tags of XML as it streams by: a parser keeps all those of a row, and some of each, in memory."""

    def __init__(self, path: str) -> None:
        self.path, self.total, self.open, self.tail = path, 0, 0, b""

    def count(self, block: bytes) -> None:
        """Take one more block. Raises DataError for too many tags, and for definitions that could grow or reach out."""
        plain = block.replace(b"\0", b"")  # UTF-16 alike
        text = self.tail + plain
        self.tail = plain[-16:]
        if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
            raise DataError(
                "the workbook holds XML definitions, which no workbook needs.",
                where=self.path,
                expected="XML without <!DOCTYPE> and <!ENTITY>",
                next_move="open it in a spreadsheet program and save it again as .xlsx or .csv",
            )
        found = plain.count(b"<")
        self.total += found
        last = max(plain.rfind(b"row>"), plain.rfind(b"si>"))
        self.open = plain.count(b"<", last) if last >= 0 else self.open + found
        for number, most, what in ((self.total, XML_TAGS, "XML tags"), (self.open, ROW_TAGS, "XML tags in one row")):
            if number > most:
                raise _zip_bomb(self.path, f"more than {most:,} {what}", f"at most {most:,} {what}")

    def ended(self) -> None:
        """The member is over."""
        self.open, self.tail = 0, b""


def _zip_bomb(path: str, found: str, expected: str) -> DataError:
    return DataError(
        "the workbook inflates to far more than a table of text does.",
        where=path,
        expected=expected,
        found=found,
        next_move="if the file is yours, save it as .csv or .parquet",
    )
