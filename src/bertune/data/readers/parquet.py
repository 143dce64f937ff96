"""Parquet files."""

import os
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bertune.base.errors import DataError
from bertune.data._types import is_text, normal
from bertune.data.readers._bounds import check_parquet, check_text, decoded_bytes, parquet_bytes
from bertune.data.readers._chunk import Chunk, check_names, row_error

BATCH_ROWS = 4096


class Parquet:
    """A Parquet file, read in portions; its footer is bounded before anything is inflated."""

    suffixes: ClassVar[tuple[str, ...]] = (".parquet", ".pq")

    def __init__(self) -> None:
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the file starts as Parquet files do, or is called one."""
        if path.lower().endswith(Parquet.suffixes):
            return True
        if not os.path.isfile(path):
            return False
        with open(path, "rb") as handle:
            return handle.read(4) == b"PAR1"

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order; raises DataError."""
        self.files, self.facts = [path], {"format": "parquet"}
        check_parquet(path)
        done, total, most = 0, 0, parquet_bytes(path)
        try:
            # Texts stay dictionary-encoded until their size is known: one entry may stand for millions of rows.
            schema = pq.read_schema(path)
            names = [field.name for field in schema if is_text(field.type)]
            check_names(schema.names, path, 0)
            with pq.ParquetFile(path, read_dictionary=names) as source:
                for batch in source.iter_batches(BATCH_ROWS):
                    total += decoded_bytes(batch)
                    if total > most:
                        raise _too_large(path, done, total, most)
                    check_text(batch, path, done)
                    yield _chunk(batch, done)
                    done += batch.num_rows
        except (pa.ArrowException, OSError, ValueError) as error:
            raise row_error(
                path,
                done + 1,
                0,
                "the file cannot be read on from here.",
                found=str(error).split("\n")[0][:200],
                next_move="copy the file again, or write it again from its source",
            ) from None
        if not done:
            yield _chunk(pa.RecordBatch.from_pylist([], schema), 0)


def _chunk(batch: pa.RecordBatch, done: int) -> Chunk:
    count = batch.num_rows
    rows = np.arange(done + 1, done + count + 1, dtype=np.int64)
    return Chunk(normal(batch), rows, np.zeros(count, np.int64), np.zeros(count, np.int64))


def _too_large(path: str, row: int, total: int, most: int) -> DataError:
    return row_error(
        path,
        row + 1,
        0,
        "the values up to here are larger than a table of text may be.",
        expected=f"at most {most:,} bytes",
        found=f"{total:,} bytes",
        next_move="if the file is yours, split it into parts",
    )
