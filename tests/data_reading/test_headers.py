"""Tables that do not start with the names of their columns, or not with all of them; quotes after a backslash."""

import gzip

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.sections import DataSection
from bertune.data.columns import recognise
from bertune.data.readers._header import completed, headless
from bertune.data.table import read

NOUNS, ENDS = ("call", "bill"), ("fine", "late")
REVIEWS = [f"the {noun} was {end} on day {day}" for day in range(5) for noun in NOUNS for end in ENDS]
NUMBERED = "".join(f'"{1 + i % 4}","{text}"\n' for i, text in enumerate(REVIEWS))
NAMED = "".join(f"{('spam', 'ham')[i % 2]}\t{text}\n" for i, text in enumerate(REVIEWS))


@pytest.mark.parametrize(("name", "content"), [("a.csv", NUMBERED), ("a.tsv", NAMED)])
def test_a_first_row_of_data_is_no_header(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    table = read(tmp_path / name, DataSection())
    assert table.names == ("column_1", "column_2") and table.values("column_2") == REVIEWS
    assert table.row.tolist() == table.line.tolist() == list(range(1, len(REVIEWS) + 1))
    assert table.facts["header"] == "no header (recognised)"
    roles = recognise(table, None, None, None, None)
    assert (roles.text, roles.label) == ("column_2", "column_1")


def test_files_with_and_without_go_by_their_setting(tmp_path):
    (tmp_path / "a.csv").write_text("text,label\n" + "one,text\n" * 5)
    assert read(tmp_path / "a.csv", DataSection()).names == ("text", "label")
    assert read(tmp_path / "a.csv", DataSection(header="no")).values("column_1")[0] == "text"
    (tmp_path / "b.csv").write_text(NUMBERED)
    assert len(read(tmp_path / "b.csv", DataSection(header="yes"))) == len(REVIEWS) - 1
    packed = tmp_path / "c.csv.gz"
    packed.write_bytes(gzip.compress(NUMBERED.encode()))
    assert len(read(packed, DataSection())) == len(REVIEWS)


@pytest.mark.parametrize(
    "first",
    [["text", "label"], ["id", "2019"], ["0", "1"], ["", "0"], ["", "text"], ["Is it a 5?", "no"], ["文本", "标签"]],
)
def test_names_are_names(first):
    rows = [[str(i), f"text {i}"] for i in range(20)]
    assert not headless([first, *rows]) and headless([["7", "a text"], *rows])
    assert not headless([first]) and not headless([])


def test_headers_between_joined_files_are_no_rows():
    assert not headless([["label", "text"], *([["spam", "win"], ["label", "text"]] * 5)])


@settings(derandomize=True, deadline=None)
@given(st.lists(st.text(max_size=3), min_size=1, max_size=12))
def test_every_column_has_a_name_of_its_own(names):
    found = completed(names)
    assert all(name.strip() for name in found) and len(found) == len(names)
    given_names = [name for name in names if name.strip()]
    assert [f for f, name in zip(found, names, strict=True) if name.strip()] == given_names
    made = [f for f, name in zip(found, names, strict=True) if not name.strip()]
    assert len(set(made)) == len(made) and not set(made) & set(given_names)


def test_columns_without_a_name_are_numbered(tmp_path):
    (tmp_path / "a.csv").write_text(",text,label\n0,fine,b\n1,late,c\n")
    assert read(tmp_path / "a.csv", DataSection()).names == ("column_1", "text", "label")
    (tmp_path / "b.csv").write_text("v1,v2,,\n" + "".join(f"ham,{text},,\nspam,{text},and more,\n" for text in REVIEWS))
    table = read(tmp_path / "b.csv", DataSection())
    assert table.names == ("v1", "v2", "column_3", "column_4")
    book = openpyxl.Workbook()
    for row in (["text", None, "label"], ["fine", 1, "b"]):
        book.active.append(row)
    book.save(tmp_path / "c.xlsx")
    assert read(tmp_path / "c.xlsx", DataSection()).names == ("text", "column_2", "label")


def test_what_is_left_over_of_a_text_is_not_another(tmp_path):
    rows = [
        f"{('ham', 'spam')[i % 2]},{text},{'and some more of it' if not i else ''}" for i, text in enumerate(REVIEWS)
    ]
    (tmp_path / "a.csv").write_text("v1,v2,\n" + "\n".join(rows) + "\n")
    roles = recognise(read(tmp_path / "a.csv", DataSection()), None, None, None, None)
    assert (roles.text, roles.label) == ("v2", "v1")


def test_quotes_after_a_backslash_are_recognised_and_said(tmp_path):
    (tmp_path / "a.tsv").write_text('id\treview\n1\t"a \\"great\\" film"\n2\t"so \\\\ so"\n')
    table = read(tmp_path / "a.tsv", DataSection())
    assert table.values("review") == ['a "great" film', "so \\ so"]
    assert table.facts["quoting"] == "backslash"


def test_backslashes_elsewhere_stay(tmp_path):
    (tmp_path / "a.csv").write_text('text,label\n"C:\\temp\\",a\n"he said ""no""",b\n')
    table = read(tmp_path / "a.csv", DataSection())
    assert table.values("text") == ["C:\\temp\\", 'he said "no"'] and "quoting" not in table.facts
