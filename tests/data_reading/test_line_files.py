"""A text a line without a header: told from tables, read whole, its faults named."""

import gzip

import pytest

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.readers.lines import Lines
from bertune.data.table import read

PLAIN, NAMED = DataSection(), DataSection(format="lines", encoding="utf-8")
TEXTS = {
    "sentences": "Win a free prize now\nsee you at lunch ok?\nok\n",
    "commas here and there": "See you, ok\nwin now\nthis, that, and more\nno\nlast one\n",
    "Chinese": "这家酒店的服务很好。\n不好\n",
    "a long word": "https://example.org/a/b/c/d\nmore\n",
    "one line": "just one text\n",
}
TABLES = {
    "a name alone": "text\nWin a free prize now\nsee you\n",
    "two names": "text,label\nwin now,spam\nsee you,ham\nbye,ham\n",
    "names of several words": "the text\tthe label\nwin now\tspam\nsee you\tham\n",
    "unquoted commas below names": "text,label\nwin, now,spam\nsee you,ham\nbye, bye,ham\n",
    "Chinese names": "文本,标签\n很好,好\n不好,坏\n",
    "empty": "",
}


def written(folder, content, name="rows.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("name", list(TEXTS))
def test_every_line_is_a_text_the_first_too(name, tmp_path):
    table = read(written(tmp_path, TEXTS[name]), PLAIN)
    assert table.facts["format"] == "lines"
    assert [table.value("text", i) for i in range(len(table))] == TEXTS[name].splitlines()


@pytest.mark.parametrize("name", list(TABLES))
def test_a_table_stays_a_table(name, tmp_path):
    assert not Lines.recognise(str(written(tmp_path, TABLES[name])))


def test_blank_lines_are_no_rows_and_lines_keep_their_numbers(tmp_path):
    table = read(written(tmp_path, gzip.compress(b"one two\r\n\n \nthree four\r\n"), "a.txt.gz"), PLAIN)
    assert [table.value("text", i) for i in range(len(table))] == ["one two", "three four"]
    assert table.line.tolist() == [1, 4]


@pytest.mark.parametrize("content", [b"one two\n\n\nthree \0\n", b"one two\n\n\nthree \xff\n"])
def test_faults_name_row_and_line(content, tmp_path):
    with pytest.raises(DataError) as caught:
        read(written(tmp_path, content), NAMED)
    assert "row 2 (line 4)" in str(caught.value)
