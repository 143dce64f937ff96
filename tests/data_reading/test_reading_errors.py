"""Every fault of a source is refused with file, row and line, and with a next move."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from _sources import write_csv, write_excel

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.table import read

BAD_CSV = {
    "ragged, too few": (b"text,label\na,b\nc\n", "row 2", "the row has 1 field, the header 2"),
    "ragged, too many": (b"text,label\na,b\nc,d,e\n", "row 2", "the row has 3 fields, the header 2"),
    "ragged after newlines": (b'text,label\n"a\nb\nc",b\nc\n', "row 2 (line 5)", "1 field"),
    "ragged after blank lines": (b"text,label\na,b\n\n\nc\n", "row 2 (line 5)", "1 field"),
    "open quote": (b'text,label\na,b\nc,d\n"e,f\ng,h\n', "row 3", "never closes"),
    "open quote later in the row": (b'text,label\n"a\nb","c,d\ne,f\n', "row 1 (line 3)", "never closes"),
    "text after a quote": (b'text,label\na,b\n"c" d,e\n', "row 2", "text follows a closing quote"),
    "NUL": (b"text,label\na,b\nc\0,d\n", "row 2", "NUL"),
    "NUL in the header": (b"te\0xt,label\na,b\n", "header", "NUL"),
    "two names": (b"text,label,text\na,b,c\n", "header (line 1)", "columns 1 and 3"),
    "empty": (b"", "a.csv", "empty"),
    "only blank lines": (b"\n\n", "a.csv", "empty"),
    "bad byte": (b"text,label\na,b\nc\xff\xfe,d\n", "row 2", "0xff"),
    "bad byte in the header": (b"text,lab\xffel\na,b\n", "header", "0xff"),
    "cut in a character": ("text,label\na,b\nc,文".encode()[:-1], "row 2", "0xe6"),
}


@pytest.mark.parametrize("name", list(BAD_CSV))
def test_csv_faults_name_row_and_line(name, tmp_path):
    content, place, words = BAD_CSV[name]
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read(path, DataSection(encoding="utf-8"))
    head = str(caught.value).splitlines()[0]
    assert head.startswith(str(path)) and place in head
    assert words in str(caught.value)


def test_quoting_none_reads_what_an_open_quote_breaks(tmp_path):
    (tmp_path / "a.tsv").write_text('text\tlabel\n"open\tx\nan "odd" one\ty\n')
    table = read(tmp_path / "a.tsv", DataSection(quoting="none"))
    assert table.values("text") == ['"open', 'an "odd" one']
    assert table.facts["quoting"] == "none"


def test_a_field_beyond_the_bound_names_the_quote_that_swallowed_it(tmp_path, monkeypatch):
    monkeypatch.setattr("bertune.data.readers._delimited.FIELD_CHARACTERS", 1000)
    (tmp_path / "a.csv").write_text('text,label\nfine,a\n"never closed,b\n' + "more text,c\n" * 200)
    with pytest.raises(DataError, match=r"row 2.*longer than 1,000") as caught:
        read(tmp_path / "a.csv", DataSection(delimiter=","))
    assert "opens at line 3" in str(caught.value)


def test_the_field_bound_of_the_csv_module_is_left_as_it_was(tmp_path):
    import csv

    before = csv.field_size_limit()
    read(write_csv(tmp_path / "a.csv", [("a" * 200_000, "b")]), DataSection())
    assert csv.field_size_limit() == before


BAD_JSONL = {
    "no JSON": ('{"text": "a"}\n\n{"text": }\n', "row 2 (line 3)", "no JSON"),
    "two objects": ('{"text": "a"}\n{"text": "b"} {"text": "c"}\n', "row 2", "more follows"),
    "no object": ('{"text": "a"}\n["b"]\n', "row 2", "no object"),
    "key twice": ('{"text": "a"}\n{"text": "a", "text": "b"}\n', "row 2", "'text' stands twice"),
    "half a surrogate": ('{"text": "a"}\n{"text": "\\ud83d"}\n', "row 2", "surrogate"),
    "deep": ('{"text": "a"}\n' + '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}\n", "row 2", "too deeply"),
    "huge number": ('{"text": "a"}\n{"x": ' + "9" * 5000 + "}\n", "row 2", "no JSON"),
    "cut off": ('{"text": "a"}\n{"text": "b', "row 2", "no JSON"),
}


@pytest.mark.parametrize("name", list(BAD_JSONL))
def test_jsonl_faults_name_row_and_line(name, tmp_path):
    content, place, words = BAD_JSONL[name]
    path = tmp_path / "a.jsonl"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(path, DataSection())
    head = str(caught.value).splitlines()[0]
    assert head.startswith(str(path)) and place in head and words in str(caught.value)


def test_jsonl_bad_byte_names_row_and_line(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n\n{"text": "\xff"}\n')
    with pytest.raises(DataError, match=r"row 2 \(line 3\).*0xff"):
        read(tmp_path / "a.jsonl", DataSection(encoding="utf-8"))


BAD_JSON = {
    "cut off": ('[\n{"text": "a"},\n{"text": "b"', "row 2 (line 3)"),
    "no comma": ('[\n{"text": "a"}\n{"text": "b"}]', "row 1"),
    "no object": ('[{"text": "a"}, 3]', "row 2"),
    "more behind": ('[{"text": "a"}] []', "row 1"),
    "trailing comma": ('[\n\n{"text": "a"},\n]', "row 2 (line 4)"),
    "surrogate": ('[{"text": "a"},\n\n\n{"text": "\\ud800"}]', "row 2 (line 4)"),
    "lists of two lengths": ('{"text": ["a", "b"], "label": ["c"]}', "row 2"),
    "an object alone": ('{"text": "a"}', "a.json"),
    "a number": ("3", "a.json"),
    "empty": (" \n", "a.json"),
}


@pytest.mark.parametrize("name", list(BAD_JSON))
def test_json_faults_name_row_and_line(name, tmp_path):
    content, place = BAD_JSON[name]
    path = tmp_path / "a.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read(path, DataSection(format="json"))
    head = str(caught.value).splitlines()[0]
    assert head.startswith(str(path)) and place in head


def test_parquet_text_that_is_no_utf_8_names_the_row(tmp_path):
    words = pa.array([b"good", b"fine", b"b\xffd"], pa.binary())
    table = pa.table({"text": words.view(pa.string()), "label": ["a", "b", "c"]})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"row 3: column 'text' holds bytes that are no UTF-8"):
        read(tmp_path / "a.parquet", DataSection())


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.99])
def test_a_parquet_file_cut_off_is_refused(keep, tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"text {i}" for i in range(5000)]}), path)
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(DataError, match="no whole Parquet file"):
        read(path, DataSection())


def test_a_parquet_file_with_damaged_pages_names_where_reading_stopped(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": [f"text {i}" for i in range(5000)]}), path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[2000:3000] = bytes(1000)
    path.write_bytes(bytes(data))
    with pytest.raises(DataError, match=r"a\.parquet row [\d,]+"):
        read(path, DataSection())


def test_excel_faults_name_the_row(tmp_path):
    pytest.importorskip("openpyxl")
    path = write_excel(tmp_path / "a.xlsx", [("a", "b"), ("c", "d")])
    import openpyxl

    book = openpyxl.load_workbook(path)
    book.active["D5"] = "stray"
    book.save(path)
    with pytest.raises(DataError, match=r"row 3 \(line 5\): the row has 4 cells, the header 2"):
        read(path, DataSection())
    with pytest.raises(DataError, match=r"did you mean .*#Sheet"):
        read(f"{path}#Sheat", DataSection())


def test_a_missing_file_names_the_nearest(tmp_path):
    write_csv(tmp_path / "reviews.csv", [])
    with pytest.raises(DataError, match=r"did you mean .*reviews\.csv"):
        read(tmp_path / "review.csv", DataSection())


def test_unknown_formats_and_folders_say_what_is_known(tmp_path):
    (tmp_path / "a.odd").write_text("x")
    with pytest.raises(DataError, match=r"not recognised[\s\S]*\.parquet[\s\S]*data\.format"):
        read(tmp_path / "a.odd", DataSection())
    with pytest.raises(DataError, match=r"did you mean --set data\.format=csv"):
        read(tmp_path / "a.odd", DataSection(format="cvs"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="hf:"):
        read(tmp_path / "empty", DataSection())


def test_settings_that_cannot_be_are_refused_by_name(tmp_path):
    path = write_csv(tmp_path / "a.csv", [("a", "b")])
    with pytest.raises(DataError, match=r"did you mean --set data\.encoding=gb18030"):
        read(path, DataSection(encoding="gb18031"))
    with pytest.raises(DataError, match="no text encoding"):
        read(path, DataSection(encoding="rot13"))
    with pytest.raises(DataError, match="cannot be a delimiter"):
        read(path, DataSection(delimiter=",,"))


def test_a_gzip_file_cut_off_is_refused(tmp_path):
    data = gzip.compress(b"text,label\n" + b"".join(f"text {i},a\n".encode() for i in range(5000)))
    (tmp_path / "a.csv.gz").write_bytes(data[: len(data) // 2])
    with pytest.raises(DataError, match="damaged or cut off"):
        read(tmp_path / "a.csv.gz", DataSection(delimiter=",", encoding="utf-8"))


def test_no_error_repeats_a_whole_text(tmp_path):
    secret = "canary text of a person"
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": secret})[:-1] + "\n")
    with pytest.raises(DataError) as caught:
        read(tmp_path / "a.jsonl", DataSection())
    assert secret not in str(caught.value)
