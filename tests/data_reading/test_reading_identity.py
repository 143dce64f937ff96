"""What is written is read again, whatever the characters, encodings, delimiters and portions."""

import csv
import io
import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from _sources import write_csv, write_json, write_jsonl, write_parquet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data import table as tables
from bertune.data.readers import _text
from bertune.data.table import read

CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")
ODD = st.sampled_from(
    ['"', '""', "\n", "\r\n", "\r", ",", ";", "\t", "|", "\u2028", "\x85", "\ufeff", "é", "文", "🦊", " "]
)
TEXT = st.lists(st.one_of(st.text(CHARACTERS, max_size=8), ODD), max_size=5).map("".join)
ROWS = st.lists(st.tuples(TEXT, TEXT), max_size=6)
QUIET = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def rows_of(table):
    return list(zip(table.values("text"), table.values("label"), strict=True)) if len(table) else []


@QUIET
@given(rows=ROWS, delimiter=st.sampled_from([",", ";", "\t", "|"]))
def test_csv_round_trip_with_the_delimiter_named(rows, delimiter, tmp_path):
    path = write_csv(tmp_path / "a.csv", rows, delimiter=delimiter)
    assert rows_of(read(path, DataSection(delimiter=delimiter, encoding="utf-8"))) == rows


@QUIET
@given(rows=ROWS)
def test_csv_lines_are_those_on_which_the_rows_begin(rows, tmp_path):
    path = tmp_path / "a.csv"
    whole, expected = "text,label\n", []
    for row in rows:
        # Line ends as a text editor counts them: CR LF, CR and LF.
        expected.append(len(io.StringIO(whole, newline="").readlines()) + 1)
        buffer = io.StringIO(newline="")
        csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(row)
        whole += buffer.getvalue()
    path.write_bytes(whole.encode())
    table = read(path, DataSection(delimiter=",", encoding="utf-8"))
    assert table.line.tolist() == expected
    assert table.row.tolist() == list(range(1, len(rows) + 1))


@QUIET
@given(rows=ROWS.filter(bool))
def test_json_forms_round_trip(rows, tmp_path):
    assert rows_of(read(write_jsonl(tmp_path / "a.jsonl", rows), DataSection(encoding="utf-8"))) == rows
    plain = DataSection(encoding="utf-8", format="json")
    assert rows_of(read(write_json(tmp_path / "a.json", rows), plain)) == rows
    turned = {"text": [t for t, _ in rows], "label": [c for _, c in rows]}
    for value in (turned, {"data": turned}, {"data": [dict(zip(("text", "label"), r, strict=True)) for r in rows]}):
        (tmp_path / "b.json").write_text(json.dumps(value), encoding="utf-8")
        assert rows_of(read(tmp_path / "b.json", plain)) == rows


@QUIET
@given(rows=ROWS)
def test_parquet_round_trip(rows, tmp_path):
    assert rows_of(read(write_parquet(tmp_path / "a.parquet", rows), DataSection())) == rows


@QUIET
@given(rows=ROWS.filter(bool), block=st.integers(1, 7))
def test_portions_of_the_file_make_no_difference(rows, block, tmp_path, monkeypatch):
    wanted = DataSection(encoding="utf-8", delimiter=",")
    files = [write_csv(tmp_path / "a.csv", rows), write_jsonl(tmp_path / "a.jsonl", rows)]
    files.append(write_json(tmp_path / "a.json", rows))
    whole = [read(file, wanted) for file in files]
    with monkeypatch.context() as patch:
        patch.setattr(_text, "BLOCK_BYTES", block)
        patch.setattr(_text.encodings, "SAMPLE_BYTES", block)
        for file, expected in zip(files, whole, strict=True):
            got = read(file, wanted)
            assert got.columns.equals(expected.columns)
            assert got.line.tolist() == expected.line.tolist()


ENCODED = [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"),
           ("utf-16-be", "UTF-16"), ("utf-32", "UTF-32"), ("gb18030", "GB18030")]  # fmt: skip
CHINESE = [("这家酒店的服务很好，房间也很干净。", "好评"), ("手机用了三天就坏了，客服态度很差！", "差评")] * 20


@pytest.mark.parametrize(("codec", "said"), ENCODED)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_encoding_and_delimiter_are_recognised_and_said(codec, said, delimiter, tmp_path):
    table = read(write_csv(tmp_path / "a.csv", CHINESE, codec, delimiter), DataSection())
    assert rows_of(table) == CHINESE
    assert table.facts["encoding"].startswith(said)
    words = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    assert table.facts["delimiter"].startswith(words[delimiter])
    assert table.names == ("text", "label"), "a byte order mark is no part of the first name"


@pytest.mark.parametrize("codec", ["cp1250", "shift_jis", "euc_kr", "cp1251", "big5"])
def test_other_encodings_are_read_when_named(codec, tmp_path):
    texts = {"cp1250": "świeża łąka", "shift_jis": "とても良いホテル", "euc_kr": "아주 좋은 호텔",
             "cp1251": "очень хороший отель", "big5": "這家酒店很好"}  # fmt: skip
    rows = [(texts[codec], "a")] * 8
    path = write_csv(tmp_path / "a.csv", rows, codec)
    with pytest.raises(DataError, match=codec) as caught:
        read(path, DataSection())
    assert "--set data.encoding=" in str(caught.value) and str(path) in str(caught.value)
    assert rows_of(read(path, DataSection(encoding=codec))) == rows


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), TEXT
)


@QUIET
@given(values=st.lists(SCALARS, min_size=1, max_size=6), cut=st.integers(1, 3))
def test_json_values_of_mixed_kinds_keep_their_content(values, cut, tmp_path, monkeypatch):
    path = tmp_path / "mixed.jsonl"
    path.write_text("".join(json.dumps({"text": "t", "x": v}) + "\n" for v in values), encoding="utf-8")
    from bertune.data.readers import _json

    with monkeypatch.context() as patch:
        patch.setattr(_json, "CHUNK_ROWS", cut)
        got = read(path, DataSection(encoding="utf-8")).values("x")
    for value, back in zip(values, got, strict=True):
        if value is None:
            assert back is None
        elif isinstance(back, str):
            assert back == value if isinstance(value, str) else _same(value, back)
        else:
            assert type(value) is not str and math.isclose(back, value)


def _same(value, back):
    return json.loads(back) == value


def test_a_large_source_is_mapped_from_disk_and_reads_the_same(tmp_path, monkeypatch):
    rows = [(f"row {i}", "ab"[i % 2]) for i in range(3000)]
    path = write_csv(tmp_path / "a.csv", rows)
    small = read(path, DataSection())
    monkeypatch.setattr("bertune.data._spool.MEMORY_BYTES", 1000)
    monkeypatch.setattr("bertune.data.readers._delimited.CHUNK_ROWS", 100)
    before = pa.total_allocated_bytes()
    large = read(path, DataSection())
    assert pa.total_allocated_bytes() - before < 20_000
    assert "disk" in large.facts["memory"]
    assert rows_of(large) == rows
    assert tables.digest(large, large.names) == tables.digest(small, small.names)


def test_columns_that_change_between_portions_are_joined_on_disk_too(tmp_path, monkeypatch):
    path = tmp_path / "a.jsonl"
    lines = [{"text": "a", "x": 1}, {"text": "b", "x": 2.5}, {"text": "c", "x": "three", "y": [1, 2]}, {"text": "d"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    expected = {"x": ["1", "2.5", "three", None], "y": [None, None, [1, 2], None]}
    monkeypatch.setattr("bertune.data.readers._json.CHUNK_ROWS", 1)
    for limit in (0, 10**9):
        monkeypatch.setattr("bertune.data._spool.MEMORY_BYTES", limit)
        table = read(path, DataSection())
        assert {name: table.values(name) for name in expected} == expected


def test_dictionary_columns_and_narrow_numbers_of_parquet_become_plain(tmp_path):
    table = pa.table(
        {
            "text": pa.array(["a", None, "a"]).dictionary_encode(),
            "label": pa.array([1, 2, None], pa.int8()),
            "score": pa.array([0.5, None, 1], pa.float32()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    got = read(tmp_path / "a.parquet", DataSection()).columns
    assert got.schema.types == [pa.large_string(), pa.int64(), pa.float64()]
    assert got.to_pydict() == table.to_pydict()


ROW = {"text": "fine", "label": "x"}
OTHER = {"text": "late", "label": None}


@pytest.mark.parametrize(
    "document",
    [
        {"a7": ROW, "b2": OTHER},
        {"text": {"0": "fine", "1": "late"}, "label": {"0": "x", "1": None}},
        {"data": {"a7": ROW, "b2": OTHER}},
        {"a7": {"text": "fine", "label": "x", "more": 1}, "b2": {"text": "late"}},
    ],
)
def test_objects_of_objects_are_rows_or_columns(document, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert rows_of(read(tmp_path / "a.json", DataSection())) == [("fine", "x"), ("late", None)]


@pytest.mark.parametrize("document", [{"a": {}, "b": {}}, {"a": {"b": 1}, "c": 2}])
def test_other_objects_are_refused(document, tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(document))
    with pytest.raises(DataError):
        read(tmp_path / "a.json", DataSection())
