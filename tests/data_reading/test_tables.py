"""Frames and lists become Tables; Tables are joined and told by their content."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from _sources import write_csv, write_jsonl, write_parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.frames import table_of
from bertune.data.table import concatenate, digest, read

TEXTS, LABELS = ["one", None, "drei 文"], [1, 2, 1]


def content(table):
    return {name: table.values(name) for name in table.names}


def test_python_values():
    assert content(table_of(TEXTS)) == {"text": TEXTS}
    expected = {"text": TEXTS, "label": LABELS}
    assert content(table_of(list(zip(TEXTS, LABELS, strict=True)))) == expected
    assert content(table_of({"text": TEXTS, "label": np.array(LABELS)})) == expected
    dicts = [{"text": t, "label": c} for t, c in zip(TEXTS, LABELS, strict=True)]
    assert content(table_of(dicts)) == expected
    assert content(table_of([{"text": "a"}, {"text": "b", "x": 1}])) == {"text": ["a", "b"], "x": [None, 1]}
    assert content(table_of(np.array(["a", "b"]))) == {"text": ["a", "b"]}
    assert content(table_of(np.array(["a", None], object))) == {"text": ["a", None]}
    assert content(table_of([])) == {"text": []} and table_of([]).names == ("text",)
    table = table_of(TEXTS)
    assert str(table.place(2)) == "<memory> row 3" and table.given.tolist() == [-1] * 3
    assert table_of(table) is table


def test_arrow_frames():
    made = pa.table({"text": TEXTS, "label": pa.array(LABELS, pa.int8())})
    assert content(table_of(made)) == {"text": TEXTS, "label": LABELS}
    assert content(table_of(made.to_batches()[0])) == {"text": TEXTS, "label": LABELS}
    assert table_of(made).columns.schema.types == [pa.large_string(), pa.int64()]
    assert content(table_of(pa.chunked_array([TEXTS]))) == {"text": TEXTS}


def test_pandas_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": LABELS}, index=[5, 7, 9])
    assert content(table_of(frame)) == {"text": TEXTS, "label": LABELS}
    assert content(table_of(frame["text"])) == {"text": TEXTS}
    mixed = pandas.DataFrame({"text": ["a", "b", "c"], "label": [1, "x", None]})
    assert content(table_of(mixed)) == {"text": ["a", "b", "c"], "label": ["1", "x", None]}
    with pytest.raises(DataError, match="two columns are called 'a'"):
        table_of(pandas.DataFrame([["x", "y"]], columns=["a", "a"]))
    category = pandas.DataFrame({"text": ["a", "b"], "label": pandas.Categorical(["x", None])})
    assert content(table_of(category)) == {"text": ["a", "b"], "label": ["x", None]}


def test_polars_frames():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"text": TEXTS, "label": LABELS})
    assert content(table_of(frame)) == {"text": TEXTS, "label": LABELS}
    assert content(table_of(frame["text"])) == {"text": TEXTS}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3, "cannot be made of int"),
        ("a text", "cannot be made of str"),
        (["a", 3], "row 2"),
        ([("a", 1), ("b",)], "row 2"),
        ([("a", 1), "b"], "row 2"),
        ([{"text": "a"}, "b"], "row 2"),
        ({"text": ["a"], "label": [1, 2]}, "differ in length"),
        ({"text": "abc"}, "no list"),
        (["a", "\ud800"], "row 2: column 'text' holds half"),
        (pa.table([["a"], ["b"]], names=["x", "x"]), "two columns"),
    ],
)
def test_what_is_no_table_is_refused_with_the_row(value, words):
    with pytest.raises(DataError, match=words):
        table_of(value)


def test_concatenate_joins_columns_in_another_order_and_types():
    first = table_of({"text": ["a"], "label": [1], "x": [1]})
    second = table_of({"label": ["one"], "text": ["b"]})
    third = table_of({"text": ["c"], "label": [None], "x": [0.5]})
    joined = concatenate([first, second, third])
    assert content(joined) == {"text": ["a", "b", "c"], "label": ["1", "one", None], "x": [1.0, None, 0.5]}


def test_concatenate_keeps_the_places(tmp_path):
    files = [write_csv(tmp_path / f"{n}.csv", [(f"{n}{i}", "x") for i in range(3)]) for n in "abc"]
    tables = [read(f, DataSection(), given=s) for f, s in zip(files, ("train", "valid", "test"), strict=True)]
    joined = concatenate(tables)
    assert str(joined.place(4)) == f"{files[1]} row 2" and joined.value("text", 4) == "b1"
    assert joined.given.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_concatenate_refuses_what_does_not_fit(tmp_path):
    first = table_of({"text": ["a"], "label": ["x"]})
    (tmp_path / "t.csv").write_text("Text,label\na,b\n")
    with pytest.raises(DataError, match=r"t\.csv: the column 'Text' is called 'text'"):
        concatenate([first, read(tmp_path / "t.csv", DataSection())])
    (tmp_path / "t.csv").write_text("words,kind\na,b\n")
    other = read(tmp_path / "t.csv", DataSection())
    with pytest.raises(DataError, match=r"t\.csv: no column is shared"):
        concatenate([first, other])
    with pytest.raises(DataError, match=r"t\.csv: there is no column 'text'"):
        concatenate([first, other], required=("text",))
    with pytest.raises(DataError, match="'label' holds lists"):
        concatenate([first, table_of([{"text": "a", "label": ["x"]}])])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    values=st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=4)), max_size=6),
    cut=st.integers(0, 6),
)
def test_digest_is_of_the_content_alone(values, cut):
    texts = pa.array(values, pa.string())
    whole = table_of(pa.table({"text": texts, "label": texts}))
    parts = pa.table({"label": pa.chunked_array([texts[:cut], texts[cut:]]), "text": texts.dictionary_encode()})
    assert digest(whole, ["text", "label"]) == digest(table_of(parts), ["text", "label"])
    changed = [*values, "x"]
    assert digest(whole, ["text"]) != digest(table_of({"text": changed}), ["text"])


def test_digest_tells_apart_what_differs():
    rows = [["ab", "c"], ["a", "bc"], ["abc", ""], ["abc", None], ["c", "ab"], ["abc"]]
    digests = {digest(table_of({"text": r}), ["text"]) for r in rows}
    assert len(digests) == len(rows)
    two = table_of({"a": ["x"], "b": ["y"]})
    assert len({digest(two, names) for names in (["a", "b"], ["b", "a"], ["a"], ["b"])}) == 4


def test_digest_is_the_same_over_formats_and_processes(tmp_path):
    rows = [("one", "1"), ("zwei, é", "0")]
    writers = ((write_csv, "a.csv"), (write_jsonl, "a.jsonl"), (write_parquet, "a.parquet"))
    paths = [write(tmp_path / name, rows) for write, name in writers]
    found = {digest(read(p, DataSection()), ["text", "label"]) for p in paths}
    assert len(found) == 1
    code = (
        "import sys; from bertune.base.sections import DataSection; from bertune.data.table import digest, read;"
        "print(digest(read(sys.argv[1], DataSection()), ['text', 'label']))"
    )
    again = subprocess.run([sys.executable, "-c", code, str(paths[0])], capture_output=True, text=True, check=True)
    assert again.stdout.strip() in found
