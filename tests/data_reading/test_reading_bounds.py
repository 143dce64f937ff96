"""Files of strangers: bombs are refused before they are inflated, and large files are streamed."""

import gzip
import subprocess
import sys
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from _sources import write_csv, write_excel, write_jsonl

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.readers import _bounds, _text
from bertune.data.table import read


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
def test_a_gzip_bomb_is_refused(name, tmp_path, monkeypatch):
    monkeypatch.setattr(_text, "RATIO_FREE_BYTES", 100_000)
    path = tmp_path / (name + ".gz")
    start = {"a.csv": b"text\n", "a.jsonl": b'{"text": "', "a.json": b'[{"text": "'}[name]
    path.write_bytes(gzip.compress(start + b"a" * 5_000_000))
    with pytest.raises(DataError, match="inflates to far more"):
        read(path, DataSection(encoding="utf-8"))


def test_an_honest_gzip_file_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(_text, "RATIO_FREE_BYTES", 0)
    rows = [(f"text {i * 7919 % 1000}", "a") for i in range(1000)]
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(write_csv(tmp_path / "a.csv", rows).read_bytes()))
    table = read(path, DataSection())
    assert table.values("text") == [text for text, _ in rows]
    assert table.files == (str(path),)


def test_a_workbook_bomb_is_refused_before_it_is_parsed(tmp_path, monkeypatch):
    pytest.importorskip("openpyxl")
    path = write_excel(tmp_path / "a.xlsx", [("a", "b")])
    monkeypatch.setattr(_bounds, "RATIO_FREE_BYTES", 100_000)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/more.xml", b"<a>" * 2_000_000)
    monkeypatch.setattr("openpyxl.load_workbook", lambda *a, **k: pytest.fail("parsed"))
    with pytest.raises(DataError, match="inflates to far more"):
        read(path, DataSection())


def test_a_workbook_that_lies_about_its_size_or_rows_is_bounded(tmp_path, monkeypatch):
    pytest.importorskip("openpyxl")
    path = write_excel(tmp_path / "a.xlsx", [("a", "b")])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"]
    wide = sheet.replace(b'<dimension ref="A1:B2"', b'<dimension ref="A1:XFD1048576"')
    assert wide != sheet

    def write(content):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in (members | {"xl/worksheets/sheet1.xml": content}).items():
                archive.writestr(name, data)

    write(wide)
    assert read(path, DataSection()).values("text") == ["a"]
    write(sheet.replace(b'r="2"', b'r="99999999"').replace(b'"A2"', b'"A99999999"').replace(b'"B2"', b'"B99999999"'))
    monkeypatch.setattr("bertune.data.readers.excel.SHEET_ROWS", 1000)
    with pytest.raises(DataError, match="more than 1,000 rows"):
        read(path, DataSection())


@pytest.mark.parametrize(
    ("bound", "words"), [("COLUMNS", "2 columns"), ("ROWS", "100 rows"), ("CELLS", "values"), ("BYTES", "bytes")]
)
def test_what_a_parquet_footer_claims_is_bounded(bound, words, tmp_path, monkeypatch):
    pq.write_table(pa.table({"text": ["a"] * 100, "label": ["b"] * 100}), tmp_path / "a.parquet")
    monkeypatch.setattr(_bounds, f"PARQUET_{bound}", 1)
    monkeypatch.setattr(pq, "ParquetFile", lambda *a, **k: pytest.fail("opened for reading"))
    with pytest.raises(DataError, match=f"footer claims .*{words}"):
        read(tmp_path / "a.parquet", DataSection())


def test_a_dictionary_that_repeats_one_long_text_is_measured_before_it_is_decoded(tmp_path, monkeypatch):
    """One text of 100 kB, 100 000 times: 10 GB from a file of a few kB."""
    path = tmp_path / "a.parquet"
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["a" * 100_000]))
    pq.write_table(pa.table({"text": column}), path)
    assert path.stat().st_size < 100_000
    monkeypatch.setattr("bertune.data.readers._bounds.PARQUET_FREE_BYTES", 100_000_000)
    with pytest.raises(DataError, match="larger than a table of text may be"):
        read(path, DataSection())


STREAM = """
import re, sys
from bertune.base.sections import DataSection
from bertune.data import _spool, table

def peak():
    # Not ru_maxrss: a child process inherits the peak of its parent there.
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024

_spool.MEMORY_BYTES = int(sys.argv[3])
table.read(sys.argv[1], DataSection())
before = peak()
print(len(table.read(sys.argv[2], DataSection())), peak() - before)
"""


def peak_growth(first, second, memory):
    """Rows of the second file, and by how many MB reading it raised the peak of a fresh process."""
    command = [sys.executable, "-c", STREAM, str(first), str(second), str(memory)]
    return tuple(map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_large_file_is_streamed(suffix, tmp_path):
    """25 MB of text grow the process by far less than their size: the first read warms everything up."""
    small = [(f"{i} " + "word " * 60, "a") for i in range(20_000)]
    write = write_csv if suffix == "csv" else write_jsonl
    first, second = write(tmp_path / f"small.{suffix}", small), tmp_path / f"large.{suffix}"
    lines = first.read_bytes().splitlines(keepends=True)
    start = 1 if suffix == "csv" else 0
    second.write_bytes(b"".join(lines[:start] + lines[start:] * 4))
    assert second.stat().st_size > 24_000_000
    rows, grown = peak_growth(first, second, 1_000_000)
    assert rows == 80_000
    assert grown < 15, f"{grown} MB"
    if suffix == "csv":
        assert peak_growth(first, second, 10**12)[1] > 15, "the measure sees a table that is held in memory"


def test_a_line_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_text, "LINE_CHARACTERS", 300_000)
    (tmp_path / "a.jsonl").write_text('{"text": "' + "a" * 900_000)
    with pytest.raises(DataError, match="longer than 300,000 characters"):
        read(tmp_path / "a.jsonl", DataSection())
