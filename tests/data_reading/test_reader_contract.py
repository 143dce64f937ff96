"""The contract of every reader, found by name; and broken readers that it must reject."""

import numpy as np
import pyarrow as pa
import pytest
from _sources import WRITERS, pair_of

from bertune.base.errors import DataError
from bertune.base.registry import load, names
from bertune.base.sections import DataSection
from bertune.base.settings import build
from bertune.data.choosing import reader_for
from bertune.data.readers import _chunk
from bertune.data.readers._chunk import Chunk
from bertune.data.readers.csv import Csv
from bertune.data.readers.jsonl import Jsonl

FOLDERS = ("brat", "class_folder", "folder", "glue", "hub")
ROWS = [(f"text number {i} of the class", "good" if i < 25 else "late") for i in range(50)]


def source_of(name, folder, rows=ROWS):
    file, write = WRITERS[name]
    path = str(write(folder / file, rows))
    return f"hf:{path}" if name == "hub" else path


def check_rows(reader, path, rows=ROWS):
    """The values in order, each row with its file, its number and its line."""
    chunks = list(reader.read(path))
    assert chunks, "at least one chunk"
    assert [pair_of(row) for c in chunks for row in c.columns.to_pylist()] == list(rows)
    for chunk in chunks:
        assert chunk.columns.num_rows == len(chunk.rows) == len(chunk.lines) == len(chunk.files)
        assert chunk.rows.dtype == chunk.lines.dtype == chunk.files.dtype == np.int64
    places = [(int(f), int(r)) for c in chunks for f, r in zip(c.files, c.rows, strict=True)]
    assert len(set(places)) == len(rows), "every row has a place of its own"
    for file in {f for f, _ in places}:
        assert [r for f, r in places if f == file] == list(range(1, sum(f == file for f, _ in places) + 1))
    lines = [int(line) for c in chunks for line in c.lines]
    assert lines == sorted(lines)
    assert all(reader.facts.values()) and reader.facts["format"]
    assert {f for f, _ in places} <= set(range(len(reader.files)))


def check_broken_bytes(reader, path, row, line):
    """A byte that is no text in the middle of a file names row and line, and no row is changed in silence."""
    with pytest.raises(DataError) as caught:
        list(reader.read(path))
    assert path in str(caught.value)
    assert f"row {row:,}" in str(caught.value) and (line == row + 1 or f"line {line:,}" in str(caught.value))


@pytest.mark.parametrize("name", names("readers"))
@pytest.mark.parametrize("portion", [7, 10_000])
def test_reader_gives_the_rows_in_order_with_their_places(name, portion, tmp_path, monkeypatch):
    pytest.importorskip("openpyxl" if name == "excel" else "datasets" if name == "hub" else "pyarrow")
    part = load("readers", name)
    module = __import__(part.__module__, fromlist=["x"])
    for where in (module, _chunk, *(m for m in _shared())):
        if hasattr(where, "CHUNK_ROWS"):
            monkeypatch.setattr(where, "CHUNK_ROWS", portion)
    path = source_of(name, tmp_path)
    assert part.recognise(path)
    assert type(reader_for(path, DataSection())) is part
    check_rows(build(part), path)


def _shared():
    from bertune.data.readers import _delimited, _json, _typed

    return _delimited, _json, _typed


@pytest.mark.parametrize("name", names("readers"))
def test_every_reader_has_a_writer_here(name):
    assert name in WRITERS


@pytest.mark.parametrize("name", [n for n in names("readers") if n not in FOLDERS])
def test_an_empty_or_damaged_file_is_refused_by_name(name, tmp_path):
    pytest.importorskip("openpyxl" if name == "excel" else "pyarrow")
    for content in (b"", b"PK\x03\x04 no zip", b"PAR1 no parquet"):
        path = tmp_path / WRITERS[name][0]
        path.write_bytes(content)
        if name in ("csv", "jsonl", "conll", "lines") and content:
            continue
        try:
            chunks = list(build(load("readers", name)).read(str(path)))
        except DataError as error:
            assert str(path) in str(error)
        else:
            assert name in ("jsonl", "lines") and sum(c.columns.num_rows for c in chunks) == 0


def bad_csv(folder):
    path = folder / "bad.csv"
    path.write_bytes(b'text,label\n"two\nlines",a\ngood,b\nb\xffd,c\nend,d\n')
    return str(path)


def test_decode_error_names_row_and_line(tmp_path):
    check_broken_bytes(Csv(encoding="utf-8"), bad_csv(tmp_path), 3, 5)


class Dropping(Csv):
    """Loses the last row of each chunk."""

    def read(self, path):
        for c in super().read(path):
            yield Chunk(c.columns.slice(0, c.columns.num_rows - 1), c.rows[:-1], c.lines[:-1], c.files[:-1])


class Misnumbering(Csv):
    """Counts rows from 0."""

    def read(self, path):
        for c in super().read(path):
            yield Chunk(c.columns, c.rows - 1, c.lines, c.files)


class Restarting(Csv):
    """Starts to count again in each chunk."""

    def read(self, path):
        for c in super().read(path):
            for start in range(0, c.columns.num_rows, 10):
                part = c.columns.slice(start, 10)
                count = part.num_rows
                numbers = np.arange(1, count + 1, dtype=np.int64)
                yield Chunk(part, numbers, c.lines[start : start + 10], c.files[start : start + 10])


class Trimming(Csv):
    """Changes the texts."""

    def read(self, path):
        for c in super().read(path):
            columns = [pa.array([v.upper() for v in column.to_pylist()]) for column in c.columns.columns]
            yield Chunk(pa.RecordBatch.from_arrays(columns, names=c.columns.schema.names), c.rows, c.lines, c.files)


@pytest.mark.parametrize("broken", [Dropping, Misnumbering, Restarting, Trimming])
def test_the_contract_rejects_a_broken_reader(broken, tmp_path):
    path = source_of("csv", tmp_path)
    check_rows(Csv(), path)
    with pytest.raises(AssertionError):
        check_rows(broken(), path)


class Swallowing(Csv):
    """Reads every byte as some character."""

    def read(self, path):
        self.encoding = "latin-1"
        yield from super().read(path)


class Elsewhere(Jsonl):
    """Names the wrong row."""

    def read(self, path):
        raise DataError("broken", where=f"{path} row 1")
        yield


@pytest.mark.parametrize("broken", [Swallowing, Elsewhere])
def test_the_contract_rejects_a_reader_that_swallows_a_decode_error(broken, tmp_path):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check_broken_bytes(broken(), bad_csv(tmp_path), 3, 5)
