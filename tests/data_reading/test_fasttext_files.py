"""Lines with __label__ words: their labels, their texts, and what is refused."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.readers.fasttext import Fasttext
from bertune.data.table import read

PLAIN, NAMED = DataSection(), DataSection(format="fasttext", encoding="utf-8")
SEVERAL = """__label__sauce __label__cheese How much starch?

  __label__food-safety\tDangerous   pathogens
My stove has spots __label__cast-iron __label__
nothing __label__here in sight
no label at all
"""


def written(folder, content, name="rows.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(table, name):
    return [(table.value("text", i), table.value(name, i)) for i in range(len(table))]


def test_one_label_a_line_is_a_plain_column(tmp_path):
    table = read(written(tmp_path, "__label__a 好的 房间\n__label__b good\n"), PLAIN)
    assert table.facts["format"] == "fasttext" and table.facts["labels"] == "one a row"
    assert rows(table, "label") == [("好的 房间", "a"), ("good", "b")]


def test_several_labels_are_lists_for_every_row_wherever_they_stand(tmp_path):
    table = read(written(tmp_path, SEVERAL), NAMED)
    assert rows(table, "labels") == [
        ("How much starch?", ["sauce", "cheese"]),
        ("Dangerous   pathogens", ["food-safety"]),
        ("My stove has spots __label__", ["cast-iron"]),
        ("nothing in sight", ["here"]),
        ("no label at all", None),
    ]
    assert table.line.tolist() == [1, 3, 4, 5, 6]


@pytest.mark.parametrize("name", ["a.txt", "cooking.train", "cooking.valid.gz", "train.ft.txt"])
def test_it_is_recognised_by_what_it_holds(name, tmp_path):
    content = b"__label__a one\nsecond __label__b\n"
    path = written(tmp_path, gzip.compress(content) if name.endswith(".gz") else content, name)
    assert read(path, PLAIN).facts["format"] == "fasttext"


@pytest.mark.parametrize("content", ["text\n__label__a one\n", "", "a__label__b c\n"])
def test_other_text_files_are_left_to_their_readers(content, tmp_path):
    assert not Fasttext.recognise(str(written(tmp_path, content)))


FAULTS = {
    "no label": ("text\nmore\n", "rows.txt", "no line has a label"),
    "empty": ("", "rows.txt", ""),
    "NUL": ("__label__a x\n\n\n__label__b \0\n", "row 2 (line 4)", "NUL"),
    "bad byte": (b"__label__a x\n\n\n__label__b \xff\n", "row 2 (line 4)", "0xff"),
    "too long": ("__label__a x\n__label__b " + "x" * 10_000_001, "row 2", "longer"),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_faults_name_row_and_line(name, tmp_path):
    content, place, words = FAULTS[name]
    with pytest.raises(DataError) as caught:
        read(written(tmp_path, content), NAMED)
    head = str(caught.value).splitlines()[0]
    assert place in head and words in head


@pytest.mark.parametrize("name", ["rows.zip", "rows.csv.bz2", "rows.tar.gz"])
def test_an_archive_is_refused_with_what_to_do(name, tmp_path):
    with pytest.raises(DataError, match="unpack it"):
        read(written(tmp_path, b"anything", name), PLAIN)


words = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@given(st.lists(st.tuples(words, st.lists(words, min_size=1, max_size=5)), min_size=1, max_size=12))
def test_written_labels_and_texts_are_read_back(tmp_path_factory, written_rows):
    kept = [(label, " ".join(w for w in text if not w.startswith("__label__")) or "x") for label, text in written_rows]
    path = tmp_path_factory.mktemp("lines") / "rows.txt"
    path.write_text("".join(f"__label__{label} {text}\n" for label, text in kept), encoding="utf-8")
    table = read(path, DataSection(format="fasttext", encoding="utf-8"))
    assert rows(table, "label") == [(text, label) for label, text in kept]
