"""Columns: recognised by name, then by content; asked for where they are not plain."""

import pyarrow as pa
import pytest

from bertune.base.errors import DataError
from bertune.data.columns import label_texts, recognise, text_values
from bertune.data.frames import table_of

LONG = [f"a text that is long enough, number {i}, with words" for i in range(40)]
SHORT = ["spam" if i % 4 else "ham" for i in range(40)]


def roles(columns, **named):
    found = recognise(table_of(columns), *(named.get(k) for k in ("text", "text_pair", "label", "group")))
    return found.text, found.text_pair, found.label


@pytest.mark.parametrize("text", ["text", "Text", "message", "Sentence", "Review Text", "文本", "内容", "评论"])
@pytest.mark.parametrize("label", ["label", "Category", "class", "sentiment", "gold_label", "intent", "标签", "类别"])
def test_by_name(text, label):
    assert roles({"id": list(range(40)), label: SHORT, text: LONG}) == (text, None, label)


PAIRS = [("question1", "question2"), ("premise", "hypothesis"), ("sentence1", "sentence2"), ("text_a", "text_b"),
         ("Question1", "Question2"), ("句子1", "句子2")]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_pairs_by_name(pair):
    assert roles({pair[1]: LONG, "label": SHORT, pair[0]: LONG}) == (*pair, "label")


def test_by_content():
    dates = [f"2024-01-{i % 28 + 1:02}" for i in range(40)]
    columns = {"nr": list(range(40)), "user_id": ["u1", "u2"] * 20, "when": dates, "v2x": LONG, "kind_of": SHORT}
    assert roles(columns) == ("v2x", None, "kind_of")
    why = recognise(table_of(columns), None, None, None, None).why
    assert why == "by content"
    assert recognise(table_of({"v2x": LONG, "label": SHORT}), None, None, None, None).why == (
        "text by content, label by name"
    )


def test_rows_sorted_by_label_are_sampled_throughout():
    assert roles({"text": LONG * 500, "x": sorted(SHORT * 500)})[2] == "x"


def test_the_user_has_the_last_word():
    columns = {"text": LONG, "other": LONG[::-1], "label": SHORT, "topic": SHORT}
    assert roles(columns, text="other", label="topic") == ("other", None, "topic")
    assert roles(columns, text="text", text_pair="other") == ("text", "other", "label")
    assert recognise(table_of(columns), "text", None, "label", "topic").group == "topic"


@pytest.mark.parametrize(("role", "flag"), [("text", "--text"), ("label", "--label"), ("text_pair", "--text-pair")])
def test_a_missing_column_is_named_with_the_nearest(role, flag):
    with pytest.raises(DataError, match=rf"did you mean 'text'\?[\s\S]*text, label[\s\S]*{flag} txet"):
        roles({"text": LONG, "label": SHORT}, **{role: "txet"})


def test_one_column_cannot_be_both():
    with pytest.raises(DataError, match="named both as text and as label"):
        roles({"text": LONG, "label": SHORT}, text="text", label="text")


def test_what_is_ambiguous_is_asked():
    with pytest.raises(DataError, match=r"could be the text: review, comment[\s\S]*--text review"):
        roles({"review": LONG, "comment": LONG[::-1], "label": SHORT})
    with pytest.raises(DataError, match=r"could be the label: x, y1[\s\S]*--label x"):
        roles({"text": LONG, "x": SHORT, "y1": SHORT[::-1]})
    with pytest.raises(DataError, match="could be the text: en, de"):
        roles({"en": LONG, "de": LONG[::-1], "label": SHORT})


def test_nothing_that_fits_is_said():
    with pytest.raises(DataError, match="no column is recognised as the label"):
        roles({"id": list(range(40)), "text": LONG})
    with pytest.raises(DataError, match="no column is recognised as the text"):
        roles({"id": list(range(40)), "label": SHORT})
    with pytest.raises(DataError, match="line with the column names"):
        roles({LONG[0]: SHORT, "ham": SHORT})


def test_no_label_is_needed_to_predict():
    found = recognise(table_of({"text": LONG, "kind": SHORT}), None, None, None, None, need_label=False)
    assert found.label is None
    assert recognise(table_of(LONG), None, None, None, None, need_label=False).text == "text"
    assert recognise(table_of({"anything": LONG}), None, None, None, None, need_label=False).text == "anything"


def test_labels_are_exact_strings():
    columns = {
        "s": ["Pos ", "", " \t", None, "\u3000", "0"],
        "f": [1.0, 2.5, float("nan"), None, -0.0, 1e20],
        "i": [1, 2, None, -3, 0, 10**15],
        "b": [True, False, None, True, True, True],
    }
    table = table_of(pa.table(columns))
    assert label_texts(table, "s") == ["Pos ", None, None, None, None, "0"]
    assert label_texts(table, "f") == ["1", "2.5", None, None, "0", "1e+20"]
    assert label_texts(table, "i") == ["1", "2", None, "-3", "0", "1000000000000000"]
    assert label_texts(table, "b") == ["true", "false", None, "true", "true", "true"]
    assert list(text_values(table, "s")) == ["Pos ", None, None, None, None, "0"]
    with pytest.raises(DataError, match="holds lists"):
        label_texts(table_of(pa.table({"l": [[1], [2]]})), "l")
