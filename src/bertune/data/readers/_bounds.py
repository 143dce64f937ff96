"""Bounds on what strangers' files claim and contain, checked before a parser allocates for them."""

import os
import zipfile
import zlib

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bertune.base.errors import DataError
from bertune.data._types import is_text
from bertune.data.readers._chunk import row_error

PARQUET_BYTES = 16_000_000_000
PARQUET_COLUMNS = 100_000
PARQUET_CELLS = 10_000_000_000
ZIP_BYTES = 2_000_000_000
ZIP_RATIO = 200
RATIO_FREE_BYTES = 64_000_000
ZIP_MEMBERS = 10_000
_BLOCK = 1 << 18


def check_parquet(path: str) -> None:
    """Refuses a Parquet file whose footer claims more than a table of text has. Raises DataError."""
    try:
        footer = pq.read_metadata(path)
        groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
        size = sum(group.total_byte_size for group in groups)
        least = min((group.total_byte_size for group in groups), default=0)
    except (pa.ArrowException, OSError) as error:
        raise DataError(
            "this is no whole Parquet file.",
            where=path,
            expected="a file that begins and ends with PAR1",
            found=f"{os.path.getsize(path):,} bytes; {str(error).splitlines()[0][:120]}",
            next_move="copy the file again and compare the sizes, or name its format: --set data.format=…",
        ) from None
    claims = (
        ("columns", footer.num_columns, PARQUET_COLUMNS),
        ("values (rows times columns)", footer.num_rows * footer.num_columns, PARQUET_CELLS),
        ("bytes when inflated", size, PARQUET_BYTES),
    )
    for what, claimed, most in claims:
        if claimed > most or claimed < 0 or least < 0:
            raise DataError(
                f"the footer claims {claimed:,} {what}.",
                where=path,
                expected=f"at most {most:,}",
                next_move="if the file is yours, split it into parts",
            )


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
    total = 0
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
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise DataError(
            "this is no whole Excel workbook.",
            where=path,
            expected="an .xlsx file",
            found=str(error)[:120],
            next_move="open it in a spreadsheet program and save it again as .xlsx or .csv",
        ) from None


def _zip_bomb(path: str, found: str, expected: str) -> DataError:
    return DataError(
        "the workbook inflates to far more than a table of text does.",
        where=path,
        expected=expected,
        found=found,
        next_move="if the file is yours, save it as .csv or .parquet",
    )
