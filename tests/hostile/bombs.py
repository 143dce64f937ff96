"""Small files that ask for a machine's whole memory, or for hours: each written by a function of its name."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


def packed_rows(folder: Path) -> Path:
    path = folder / "rows.csv.gz"
    path.write_bytes(gzip.compress(b"text,label\n") + gzip.compress((b"a" * 198 + b",b\n") * 300_000))
    return path


def packed_packings(folder: Path) -> Path:
    """Many members in one gzip file."""
    path = folder / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "') + gzip.compress(b"a" * 20_000_000) * 20)
    return path


def three_million_columns(folder: Path) -> Path:
    path = folder / "rows.csv"
    path.write_text(",".join(f"c{i}" for i in range(3_000_000)) + "\n")
    return path


def a_row_of_commas(folder: Path) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(b"text,label\na,b\n" + b"," * 30_000_000 + b"\n")
    return path


def rows_within_a_quote(folder: Path) -> Path:
    """Each field ends within a quote, so that the row goes on over lines."""
    path = folder / "rows.csv"
    path.write_bytes(b"text,label\n" + (b'"\n"' + b"," * 1_000_000) * 60)
    return path


def an_open_quote(folder: Path) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(b'text,label\n"' + b"some text, and more\n" * 1_500_000)
    return path


def a_name_of_a_megabyte(folder: Path) -> Path:
    path = folder / "rows.csv"
    path.write_bytes(b"a" * 1_000_000 + b",label\n")
    return path


def returns_without_line_feeds(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(b'{"text": "' + (b"a" * 1000 + b"\r") * 60_000)
    return path


def deep_lists(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(b'{"text": "a", "more": ' + b"[" * 500 + b"]" * 500 + b"}\n")
    return path


def deeper_lists(folder: Path) -> Path:
    path = folder / "rows.json"
    path.write_bytes(b"[" * 5_000_000)
    return path


def a_key_for_each_row(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(f'{{"text": "a", "k{i}": 1}}\n' for i in range(40_000)))
    return path


def a_nested_key_for_each_row(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(f'{{"text": "a", "more": [{{"k{i}": 1}}]}}\n' for i in range(40_000)))
    return path


def a_late_wide_row(folder: Path) -> Path:
    """A million short rows, then one with nine thousand keys: every row has a cell for every key."""
    path = folder / "rows.jsonl"
    wide = json.dumps({f"k{i}": 1 for i in range(9_000)})
    path.write_text('{"text": "a"}\n' * 300_000 + wide + "\n")
    return path


def a_million_keys_one_twice(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("{" + ", ".join(f'"k{i}": 1' for i in range(500_000)) + ', "k499999": 2}\n')
    return path


def an_object_of_many_numbers(folder: Path) -> Path:
    path = folder / "rows.json"
    path.write_bytes(b'{"text": [' + b"1," * 21_000_000 + b"1]}")
    return path


def many_empty_lists(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(b'{"text": [' + b"[]," * 8_000_000 + b"[]]}\n")
    return path


def a_passage_of_many_questions(folder: Path) -> Path:
    """A table has the passage once for each question."""
    questions = [{"question": "?", "answers": ["b"] * 3} for _ in range(4_000)]
    path = folder / "rows.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [{"context": "a" * 300_000, "qas": questions}]}]}))
    return path


def an_article_without_end(folder: Path) -> Path:
    path = folder / "rows.json"
    path.write_bytes(b'{"data": [{"paragraphs": [{"qas": [], "context": "' + b"a" * 40_000_000)
    return path


def a_sentence_without_end(folder: Path) -> Path:
    path = folder / "rows.conll"
    path.write_bytes(b"a O\n" * 5_000_000)
    return path


def a_token_of_many_columns(folder: Path) -> Path:
    path = folder / "rows.bio"
    path.write_bytes(b"a" + b" b" * 15_000_000 + b" O\n")
    return path


def a_text_repeated_by_a_dictionary(folder: Path) -> Path:
    """One text of a megabyte, 100 000 times."""
    path = folder / "rows.parquet"
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 100_000, pa.int32()), pa.array(["a" * 1_000_000]))
    pq.write_table(pa.table({"text": column}), path)
    return path


def rows_of_nothing(folder: Path) -> Path:
    path = folder / "rows.parquet"
    table = pa.table({"text": pa.nulls(1_000_000, pa.string())})
    with pq.ParquetWriter(path, table.schema) as writer:
        for _ in range(101):
            writer.write_table(table)
    return path


def _list_of_nothing() -> bytes:
    count = 50_000_000
    column = pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), pa.nulls(count, pa.int8()))
    held = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"], "more": column}), held, compression="zstd")
    return held.getvalue()


def a_list_of_nothing(folder: Path) -> Path:
    path = folder / "rows.parquet"
    path.write_bytes(_list_of_nothing())
    return path


def a_footer_that_lies(folder: Path) -> Path:
    """The footer claims two values where the pages claim fifty million."""
    data = _list_of_nothing()
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    number = 100_000_000  # as a varint in zigzag form
    said = bytes([number & 127 | 128, number >> 7 & 127 | 128, number >> 14 & 127 | 128, number >> 21])
    assert said in data[start:]
    path = folder / "rows.parquet"
    path.write_bytes(data[:start] + data[start:].replace(said, b"\x84\x80\x80\x00"))
    return path


def _workbook(path: Path, sheet: str | bytes) -> Path:
    import openpyxl

    openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, part in (parts | {"xl/worksheets/sheet1.xml": sheet}).items():
            book.writestr(name, part)
    return path


def a_workbook_of_blanks(folder: Path) -> Path:
    return _workbook(folder / "rows.xlsx", SHEET + " " * 100_000_000 + "</sheetData></worksheet>")


def a_workbook_of_tags(folder: Path) -> Path:
    return _workbook(folder / "rows.xlsx", SHEET + "<row>" + "<c/>" * 10_000_000 + "</row></sheetData></worksheet>")


def a_workbook_of_laughs(folder: Path) -> Path:
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    kind = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{laughs}]>'
    return _workbook(folder / "rows.xlsx", kind + SHEET + "<row><c><v>&l9;</v></c></row></sheetData></worksheet>")


def a_workbook_of_hidden_laughs(folder: Path) -> Path:
    kind = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x [<!ENTITY l "lol">]>'
    return _workbook(folder / "rows.xlsx", (kind + SHEET + "</sheetData></worksheet>").encode("utf-16"))


def a_workbook_of_wide_rows(folder: Path) -> Path:
    rows = "".join(f'<row r="{i}"><c r="XFD{i}"><v></v></c></row>' for i in range(2, 20_000))
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c></row>'
    return _workbook(folder / "rows.xlsx", SHEET + head + rows + "</sheetData></worksheet>")


def a_cell_of_megabytes(folder: Path) -> Path:
    cell = '<row r="2"><c r="A2" t="inlineStr"><is><t>' + "a" * 11_000_000 + "</t></is></c></row>"
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c></row>'
    return _workbook(folder / "rows.xlsx", SHEET + head + cell + "</sheetData></worksheet>")


BOMBS: tuple[Callable[[Path], Path], ...] = (
    packed_rows, packed_packings, three_million_columns, a_row_of_commas, rows_within_a_quote, an_open_quote,
    a_name_of_a_megabyte, returns_without_line_feeds, deep_lists, deeper_lists,
    a_nested_key_for_each_row, a_late_wide_row, a_million_keys_one_twice, an_object_of_many_numbers, many_empty_lists,
    a_passage_of_many_questions, an_article_without_end, a_sentence_without_end, a_token_of_many_columns,
    a_text_repeated_by_a_dictionary, rows_of_nothing, a_list_of_nothing, a_footer_that_lies, a_workbook_of_blanks,
    a_workbook_of_tags, a_workbook_of_laughs, a_workbook_of_hidden_laughs, a_cell_of_megabytes,
)  # fmt: skip
SLOW = (a_key_for_each_row, a_workbook_of_wide_rows)
