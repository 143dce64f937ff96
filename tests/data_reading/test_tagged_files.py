"""Files with a token and its tag a line: what is read, what is recognised, and every fault by row and line."""

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.readers import _tagged, _typed
from bertune.data.readers.conll import Conll
from bertune.data.table import read

PLAIN = DataSection()
NAMED = DataSection(format="conll", encoding="utf-8")
SMALL = "-DOCSTART- -X- -X- O\n\n# id 1\nEU NNP I-NP B-ORG\nrejects VBZ I-VP O\n\n\nPeter NNP I-NP B-PER\n. . O O\n"


def written(folder, content, name="a.conll"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def test_conll_2003_as_published(tmp_path):
    table = read(written(tmp_path, SMALL), PLAIN)
    assert table.names == ("tokens", "tags")
    assert table.values("tokens") == [["EU", "rejects"], ["Peter", "."]]
    assert table.values("tags") == [["B-ORG", "O"], ["B-PER", "O"]]
    assert table.row.tolist() == [1, 2] and table.line.tolist() == [4, 8], "the line is that of the first token"
    assert table.facts["columns"] == "4, blanks between them; tokens first, tags last"
    assert table.facts["left out"] == "columns 2 to 3, 1 lines of -DOCSTART-, 1 lines of comments"


def test_one_chinese_character_a_line(tmp_path):
    table = read(written(tmp_path, "海 O\n钓 O\n\n厦 B-LOC\n门 I-LOC\n", "a.bio"), PLAIN)
    assert table.values("tokens") == [["海", "钓"], ["厦", "门"]] and table.values("tags")[1] == ["B-LOC", "I-LOC"]
    wide = read(written(tmp_path, "你 O\n\u3000 O\n\xa0 O\n\x85 O\n\u2028 O\n", "b.bioes"), PLAIN)
    assert wide.values("tokens") == [["你", "\u3000", "\xa0", "\x85", "\u2028"]], "other white space may be a token"


def test_tabs_keep_blanks_within_tokens_and_line_ends_may_be_any(tmp_path):
    content = b"New York\tB-LOC\r\n \tO\r\n\r\na\tO\r\n\t \r\nb\tO"
    table = read(written(tmp_path, content, "a.iob2"), PLAIN)
    assert table.values("tokens") == [["New York", " "], ["a"], ["b"]]
    assert table.facts["columns"].startswith("2, tab")


@pytest.mark.parametrize("separator", [" ", "\t"])
def test_the_token_number_sign_is_no_comment(separator, tmp_path):
    lines = ["# sent_id = 4", "a O", "b B-X", "", "# O", "c O", "", "# a longer comment", "# B-X", "# O", "", "d I-X"]
    lines = [line if line.startswith(("# s", "# a")) else line.replace(" ", separator) for line in lines]
    table = read(written(tmp_path, "\n".join(lines)), PLAIN)
    assert table.values("tokens") == [["a", "b"], ["#", "c"], ["#", "#"], ["d"]]
    assert "2 lines of comments" in table.facts["left out"]


def test_a_known_tag_makes_a_number_sign_a_token(tmp_path):
    table = read(written(tmp_path, "a NN\n# SYM\n\n# SYM\nb NN\n"), PLAIN)
    assert table.values("tokens") == [["a", "#"], ["#", "b"]]


TOKENS = st.text(st.characters(codec="utf-8", exclude_characters=" \t\r\n\0"), min_size=1, max_size=5).filter(
    lambda token: not token.startswith("-DOCSTART-")
)
TAGS = st.sampled_from(["O", "B-PER", "I-PER", "S-地名"])
SENTENCES = st.lists(st.lists(st.tuples(TOKENS, TAGS), min_size=1, max_size=6), min_size=1, max_size=5)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(sentences=SENTENCES, separator=st.sampled_from([" ", "\t", "   "]), middle=st.booleans(), cut=st.integers(1, 3))
def test_what_is_written_is_read(sentences, separator, middle, cut, tmp_path, monkeypatch):
    lines, first = [], []
    for sentence in sentences:
        first.append(len(lines) + 1)
        lines += [separator.join([token, *(["x"] if middle else []), tag]) for token, tag in sentence] + [""]
    with monkeypatch.context() as patch:
        patch.setattr(_typed, "CHUNK_ROWS", cut)
        table = read(written(tmp_path, "\n".join(lines)), NAMED)
    assert table.values("tokens") == [[token for token, _ in sentence] for sentence in sentences]
    assert table.values("tags") == [[tag for _, tag in sentence] for sentence in sentences]
    assert table.line.tolist() == first and table.row.tolist() == list(range(1, len(first) + 1))


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "gb18030"])
def test_encodings_and_gzip(codec, tmp_path):
    content = "这 O\n家 O\n酒 B-X\n店 I-X\n的 O\n服 O\n务 O\n很 O\n好 O\n。 O\n\n".encode(codec)
    table = read(written(tmp_path, gzip.compress(content), "a.bio.gz"), PLAIN)
    assert table.value("tokens", 0)[:2] == ["这", "家"] and table.value("tags", 0)[2] == "B-X"


@pytest.mark.parametrize("name", ["a.txt", "a.tsv", "a.txt.gz"])
def test_a_text_file_that_is_clearly_tagged_is_recognised(name, tmp_path):
    content = SMALL.encode() if name == "a.txt" else b"EU\tB-ORG\nsays\tO\n\nno\tO\n"
    path = written(tmp_path, gzip.compress(content) if name.endswith(".gz") else content, name)
    assert read(path, PLAIN).facts["format"] == "conll"


OTHERS = {
    "a header": "text\tlabel\na b\tO\nc d\tB-X\n",
    "labels": "text\tlabel\ngood\tO\nbad\tO\n",
    "two counts of columns": "a O\nb c B-X\nd O\n",
    "only O": "a O\nb O\nc O\n",
    "too few lines": "a O\nb B-X\n",
    "plain text": "text\nI would like one O\nand a B-side\n",
    "comments alone": "# one\n# two\n# three\n# four\n",
    "empty": "",
}


@pytest.mark.parametrize("name", list(OTHERS))
def test_other_text_files_are_left_to_their_readers(name, tmp_path):
    for suffix in ("txt", "tsv"):
        assert not Conll.recognise(str(written(tmp_path, OTHERS[name], f"a.{suffix}")))
    assert not Conll.recognise(str(tmp_path / "absent.txt"))
    assert Conll.recognise(str(written(tmp_path, SMALL, "clear.txt")))


FAULTS = {
    "no tag": ("a O\nb\n", "row 1 (line 2)", "the token has no tag"),
    "no tag behind a tab": ("a\tO\n\nb\tO\nc\t\n", "row 2 (line 4)", "the token has no tag"),
    "tab in a file of blanks": ("a O\n\nb\tO\n", "row 2 (line 3)", "the token has no tag"),
    "no token": ("a\tO\n\tO\n", "row 1 (line 2)", "the tag has no token"),
    "ragged": ("a x O\n\nb x O\nc O\n", "row 2 (line 4)", "2 columns, those before it in the sentence 3"),
    "comment within a sentence": ("a O\n# a comment there\nb O\n", "row 1 (line 2)", "4 columns"),
    "numbers first": ("# x\n1 a O\n2 b O\n3 c B-X\n", "row 1 (line 2)", "counts the tokens"),
    "NUL": ("a O\nb\0 O\n", "row 1 (line 2)", "NUL"),
    "empty": ("", "a.conll", "no token with a tag"),
    "comments alone": ("-DOCSTART- O\n\n# one thing\n", "a.conll", "no token with a tag"),
    "bad byte": (b"a O\n\nb O\nc\xff O\n", "row 2 (line 4)", "0xff"),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_faults_name_row_and_line(name, tmp_path):
    content, place, words = FAULTS[name]
    path = written(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read(path, NAMED)
    head = str(caught.value).splitlines()[0]
    assert head.startswith(str(path)) and place in head and words in head


def test_columns_may_differ_between_sentences(tmp_path):
    table = read(written(tmp_path, "a x O\n\nb B-X\n"), NAMED)
    assert table.values("tags") == [["O"], ["B-X"]]


@pytest.mark.parametrize(
    ("bound", "content", "words"),
    [
        ("SENTENCE_TOKENS", "a O\n" * 60, "more than 50 tokens"),
        ("LINE_CHARACTERS", "a O\n\n" + "b" * 60 + " O\n", "longer than 50"),
        ("COLUMNS", "".join(f"a T{i}\n\n" for i in range(60)), "more than 50 different tags"),
        ("NAME_CHARACTERS", "a O\nb " + "T" * 60 + "\n", "the tag is longer than 50"),
    ],
)
def test_what_a_sentence_may_ask_for_is_bounded(bound, content, words, tmp_path, monkeypatch):
    path = written(tmp_path, content)
    assert len(read(path, NAMED)) > 0
    monkeypatch.setattr(_tagged, bound, 50)
    with pytest.raises(DataError, match=words):
        read(path, NAMED)
