"""Marked places of texts: brat, doccano and Prodigy in one form, and every fault by file, row or line."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.base.types import SPLITS
from bertune.data.readers import _json
from bertune.data.readers._spans import reads
from bertune.data.readers._typed import SPANS
from bertune.data.table import read

PLAIN = DataSection()
QUIET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


def span(start, end, label):
    return {"start": start, "end": end, "label": label}


def pair(folder, text, notes, name="a"):
    folder.mkdir(exist_ok=True, parents=True)
    (folder / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    (folder / f"{name}.ann").write_bytes(notes if isinstance(notes, bytes) else notes.encode("utf-8"))
    return folder


def lines(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_brat_as_its_manual_shows_it(tmp_path):
    text = "Sony and Citibank agreed.\nJapan too."
    notes = (
        "T2\tOrg 9 17\tCitibank\nT1\tOrg 0 4\tSony\nE1\tMerge:T1 A:T2\nR1\tOrigin Arg1:T1 Arg2:T2\n*\tEquiv T1 T2\n"
        "A1\tNegation E1\n#1\tAnnotatorNotes T1\tsure\nN1\tReference T1 W:1 Sony\n\nT3\tLoc 26 31\tJapan\n"
    )
    table = read(pair(tmp_path / "d", text, notes), PLAIN)
    assert table.names == ("text", "spans", "id") and table.columns.schema.field("spans").type == SPANS
    assert table.values("text") == [text] and table.values("id") == ["a"]
    assert table.value("spans", 0) == [span(0, 4, "Org"), span(9, 17, "Org"), span(26, 31, "Loc")]
    assert table.facts["left out"] == ("1 attributes, 1 equivalences, 1 events, 1 normalizations, 1 notes, 1 relations")
    assert str(table.place(0)) == f"{tmp_path / 'd' / 'a.txt'} row 1"


def test_brat_counts_line_ends_and_a_byte_order_mark(tmp_path):
    exact = read(pair(tmp_path / "d", "one\r\ntwo\r\n", "T1\tN 5 8\ttwo\r\n"), PLAIN)
    assert exact.values("text") == ["one\r\ntwo\r\n"] and exact.value("spans", 0) == [span(5, 8, "N")]
    marked = read(pair(tmp_path / "m", b"\xef\xbb\xbfone two", "T1\tN 5 8\ttwo\n"), PLAIN)
    assert marked.values("text") == ["one two"] and marked.value("spans", 0) == [span(4, 7, "N")]
    over = read(pair(tmp_path / "o", "one\ntwo", "T1\tN 0 7\tone two\n"), PLAIN)
    assert over.value("spans", 0) == [span(0, 7, "N")], "the quote has a blank for the line end"


def test_brat_files_one_by_one_and_folders_with_splits(tmp_path):
    pair(tmp_path / "train", "a b", "T1\tN 0 1\ta\n")
    pair(tmp_path / "train", "c", "", "b")
    pair(tmp_path / "dev", "d", "")
    (tmp_path / "train" / "README.txt").write_text("about")
    (tmp_path / "annotation.conf").write_text("[entities]")
    table = read(tmp_path, PLAIN)
    assert table.facts["format"] == "brat" and table.values("text") == ["a b", "c", "d"]
    assert [SPLITS[i] for i in table.given.tolist()] == ["train", "train", "valid"]
    assert table.values("spans") == [[span(0, 1, "N")], [], []]
    assert table.facts["left out"] == "1 texts without .ann file"
    files = [str(tmp_path / split / name) for split, name in (("train", "a.txt"), ("train", "b.txt"), ("dev", "a.txt"))]
    assert [table.place(i).file for i in range(3)] == files
    for name in ("a.txt", "a.ann"):
        assert read(tmp_path / "train" / name, PLAIN).values("text") == ["a b"]
    assert read(tmp_path / "train" / "README.txt", PLAIN).facts["format"] == "csv"


BRAT_FAULTS = {
    "a gap": ("ab cd", "T1\tN 0 2\tab\nT2\tN 0 1;3 4\ta c\n", "a.ann line 2", "has a gap"),
    "another quote": ("ab cd", "T1\tN 0 2\tax\n", "a.ann line 1", "does not stand at"),
    "a blank more": ("ab cd", "\nT1\tN 0 3\tab\n", "a.ann line 2", "does not stand at"),
    "beyond the text": ("ab", "T1\tN 1 3\tbc\n", "a.ann line 1", "beyond the text"),
    "before the text": (b"\xef\xbb\xbfab", "T1\tN 0 2\tab\n", "a.ann line 1", "beyond the text"),
    "no quote": ("ab", "T1\tN 0 2\n", "a.ann line 1", "no annotation of brat"),
    "blanks for tabs": ("ab", "T1 N 0 2 ab\n", "a.ann line 1", "no annotation of brat"),
    "no type": ("ab", "T1\t0 2\tab\n", "a.ann line 1", "no annotation of brat"),
    "nothing marked": ("ab", "T1\tN 1 1\t\n", "a.ann line 1", "no annotation of brat"),
    "digits of another script": ("ab", "T1\tN \u0660 \u0662\tab\n", "a.ann line 1", "no annotation of brat"),
    "a long number": ("ab", f"T1\tN 0 {'9' * 5000}\tab\n", "a.ann line 1", "no annotation of brat"),
    "an unknown line": ("ab", "X1\tN 0 2\tab\n", "a.ann line 1", "no annotation of brat"),
    "no text in the text": (b"a\xff", "", "a.txt", "encoding"),
    "no text in the notes": ("ab", b"T1\tN 0 2\tab\nA1\tb\xff\n", "a.ann", "encoding"),
}


@pytest.mark.parametrize("name", list(BRAT_FAULTS))
def test_faults_of_brat_name_file_and_line(name, tmp_path):
    text, notes, place, words = BRAT_FAULTS[name]
    pair(tmp_path, "fine", "", "0")
    with pytest.raises(DataError) as caught:
        read(pair(tmp_path, text, notes), DataSection(format="brat"))
    head = str(caught.value).splitlines()[0]
    assert head.startswith(str(tmp_path / place)) and words in head


def test_a_bad_byte_of_brat_names_its_line(tmp_path):
    with pytest.raises(DataError, match=r"a\.ann row 1 \(line 3\).*0xff"):
        read(pair(tmp_path, "ab", b"\nA1\tx\nA2\t\xff\n"), DataSection(format="brat", encoding="utf-8"))


def test_line_ends_that_were_counted_once_are_explained(tmp_path):
    with pytest.raises(DataError, match=r"a\.ann line 1[\s\S]*CR LF once"):
        read(pair(tmp_path, "one\r\ntwo", "T1\tN 4 7\ttwo\n"), PLAIN)


def test_files_of_brat_that_miss_each_other(tmp_path):
    pair(tmp_path / "d", "a", "", "a")
    (tmp_path / "d" / "b.ann").write_text("")
    with pytest.raises(DataError, match=r"b\.ann: there is no \.txt file[\s\S]*b\.txt"):
        read(tmp_path / "d", PLAIN)
    with pytest.raises(DataError, match=r"b\.ann: there is no \.txt file"):
        read(tmp_path / "d" / "b.ann", PLAIN)
    (tmp_path / "c.txt").write_text("a")
    for path, words in ((tmp_path / "c.txt", "no .ann file beside"), (tmp_path, "no .ann file in this folder")):
        with pytest.raises(DataError, match=words):
            read(path, DataSection(format="brat"))


DOCCANO = {
    "label": [[0, 3, "PER"], [8, 14, "LOC"]],
    "labels": [[8, 14, "LOC"], [0, 3, "PER"]],
    "entities": [
        {"id": 7, "label": "PER", "start_offset": 0, "end_offset": 3},
        {"id": 8, "label": "LOC", "start_offset": 8, "end_offset": 14},
    ],
    "spans": [
        {"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "PER"},
        {"start": 8, "end": 14, "token_start": 2, "token_end": 2, "label": "LOC"},
    ],
}
ANN = "Ann saw London."


@pytest.mark.parametrize("column", list(DOCCANO))
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_doccano_and_prodigy(column, name, tmp_path):
    rows = [{"id": 1, "text": ANN, column: DOCCANO[column], "Comments": []}, {"id": 2, "text": "no", column: []}]
    rows.append({"id": 3, "text": "not seen"})
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, rows)) if name == "a.jsonl" else json.dumps(rows))
    table = read(path, PLAIN)
    assert table.names == ("id", "text", "spans", "Comments")
    assert table.values("spans") == [[span(0, 3, "PER"), span(8, 14, "LOC")], [], None]
    assert table.columns.schema.field("spans").type == SPANS
    assert table.facts.get("spans") == (None if column == "spans" else f"column {column!r}")


def test_other_names_of_the_ends_and_labels(tmp_path):
    places = [{"start": 0, "end": 1, "type": "A"}, {"start": 1, "end": 2, "labels": ["B", "A"]}]
    table = read(lines(tmp_path / "a.jsonl", {"text": "xy", "entities": places}), PLAIN)
    assert table.value("spans", 0) == [span(0, 1, "A"), span(1, 2, "A"), span(1, 2, "B")]


UNTOUCHED = [
    {"text": "a", "label": "good"},
    {"text": "a", "labels": ["x", "y"]},
    {"text": "a", "labels": []},
    {"text": "a", "label": [1, 2, 3]},
    {"text": "a", "label": [[1, 2], [3, 4]]},
    {"text": "a", "entities": [{"name": "x"}]},
    {"text": "a", "other": [{"start": 0, "end": 1, "label": "x"}]},
]


@pytest.mark.parametrize("row", UNTOUCHED, ids=json.dumps)
def test_other_columns_stay_as_they_are(row, tmp_path):
    table = read(lines(tmp_path / "a.jsonl", row), PLAIN)
    assert table.columns.to_pylist() == [row] and "spans" not in table.facts


def test_empty_lists_before_the_first_place(tmp_path, monkeypatch):
    monkeypatch.setattr(_json, "CHUNK_ROWS", 2)
    empty, full = {"text": "ab", "spans": []}, {"text": "ab", "spans": [[0, 1, "A"]]}
    table = read(lines(tmp_path / "a.jsonl", empty, empty, full, empty), PLAIN)
    assert table.values("spans") == [[], [], [span(0, 1, "A")], []]
    assert table.columns.schema.field("spans").type == SPANS
    none = read(lines(tmp_path / "none.jsonl", empty, {"text": "ab", "spans": None}), PLAIN)
    assert none.columns.schema.field("spans").type == SPANS and none.values("spans") == [[], None]
    rows = [{"text": "ab", "label": row["spans"]} for row in (empty, full, empty, empty)]
    assert read(lines(tmp_path / "b.jsonl", *rows), PLAIN).values("spans")[1:] == [[span(0, 1, "A")], [], []]
    with pytest.raises(DataError, match=r"row 3 \(line 3\): from about here 'label' holds marked places"):
        read(lines(tmp_path / "c.jsonl", *(rows[i] for i in (0, 2, 1))), PLAIN)


TEXT = "tea 🦊 for two"
PLACE_FAULTS = {
    "beyond the text": ([[0, 14, "A"]], "no text lies between"),
    "before the text": ([[-1, 2, "A"]], "no text lies between"),
    "nothing marked": ([[2, 2, "A"]], "no text lies between"),
    "turned round": ([[3, 2, "A"]], "no text lies between"),
    "two parts": ([[0, 2, "A"], [0, 2]], "no start, end and label"),
    "label missing": ([{"start": 0, "end": 2}], "no label"),
    "label empty": ([{"start": 0, "end": 2, "labels": []}], "no label"),
    "label no text": ([[0, 2, "A"], [0, 2, 5]], "no label"),
    "end missing": ([[0, 2, "A"], {"start": 0, "label": "A"}], "no whole numbers"),
    "end a text": ([{"start": 0, "end": "2", "label": "A"}], "no whole numbers"),
    "end true": ([[0, 2, "A"], [0, True, "A"]], "no whole numbers"),
    "end too large": ([[0, 2, "A"], [0, 2**80, "A"]], "no whole numbers"),
    "no list": ("none", "no list"),
    "another quote": ([{"start": 0, "end": 3, "label": "A", "text": "cup"}], "quoted text"),
    "a surrogate": ([[0, 3, "\ud800"]], "surrogate"),
}


@pytest.mark.parametrize("name", list(PLACE_FAULTS))
def test_faults_of_places_name_row_and_line(name, tmp_path):
    value, words = PLACE_FAULTS[name]
    path = lines(tmp_path / "a.jsonl", {"text": TEXT, "spans": [[0, 3, "A"]]}, {"text": TEXT, "spans": value})
    path.write_text("\n" + path.read_text())
    with pytest.raises(DataError) as caught:
        read(path, PLAIN)
    head = str(caught.value).splitlines()[0]
    assert head.startswith(f"{path} row 2") and words in head


def test_two_columns_with_places_are_refused(tmp_path):
    row = {"text": "ab", "label": [[0, 1, "A"]], "spans": "x"}
    with pytest.raises(DataError, match="both 'label' and 'spans'"):
        read(lines(tmp_path / "a.jsonl", row), PLAIN)


DISTINCT = st.lists(st.sampled_from("ab 文🦊💩é\u0301"), min_size=1, unique=True).map("".join)


@QUIET
@given(text=DISTINCT, ends=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=4))
def test_places_that_count_utf_16_units_are_put_right(text, ends, tmp_path):
    """The quote tells: no text stands twice here, so each place comes out the same however it was counted."""
    right = sorted({(a % len(text), b % len(text) + 1) for a, b in ends if a % len(text) <= b % len(text)})
    units = [len(text[:at].encode("utf-16-le")) // 2 for at in range(len(text) + 1)]
    for counted in (units, range(len(text) + 1)):
        places = [{"start": counted[a], "end": counted[b], "label": "A", "text": text[a:b]} for a, b in right]
        table = read(lines(tmp_path / "a.jsonl", {"text": text, "spans": places}), PLAIN)
        assert table.value("spans", 0) == [span(start, end, "A") for start, end in right]


def test_offsets_that_were_put_right_are_said(tmp_path):
    place = {"start": 7, "end": 10, "label": "A", "text": "for"}
    table = read(lines(tmp_path / "a.jsonl", {"text": TEXT, "spans": [place]}), PLAIN)
    assert table.value("spans", 0) == [span(6, 9, "A")] and "1 that counted UTF-16 units" in table.facts["offsets"]


def test_a_quote_may_differ_in_white_space_within_alone():
    assert reads("one\r\ntwo", 0, 8, "one two") and reads("a\u00a0b", 0, 3, "a b")
    assert not reads("one two", 0, 4, "one") and not reads("onetwo", 0, 6, "one two")
    assert not reads("a", 0, 2, "a") and not reads("a", -1, 1, "a") and not reads(" " * 1000, 0, 1000, " ")
