"""Questions about passages: SQuAD, XQuAD and both forms of CMRC 2018, the hub's layout, and every fault by its row."""

import json

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.readers import _document, _text, _typed, squad
from bertune.data.readers.json import Json
from bertune.data.table import read

PLAIN = DataSection()
NAMED = DataSection(format="squad", encoding="utf-8")


def question(number, **more):
    return {"id": f"q{number}", "question": f"what {number}?"} | more


def document(*passages, title="T"):
    paragraphs = [{"context": context, "qas": list(qas)} for context, qas in passages]
    return {"version": "v2.0", "data": [{"title": title, "paragraphs": paragraphs}]}


def written(folder, value, name="a.json"):
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


ANSWER = {"text": "fox", "answer_start": 6}
ONE = document(("a red fox", [question(1, answers=[ANSWER, ANSWER])]), ("none", [question(2, answers=[])]))


def test_squad_1_and_2(tmp_path):
    table = read(written(tmp_path, ONE), PLAIN)
    assert table.facts["format"] == "squad"
    assert table.names == ("id", "title", "context", "question", "answers")
    assert table.values("answers") == [
        {"text": ["fox", "fox"], "answer_start": [6, 6]},
        {"text": [], "answer_start": []},
    ]
    assert table.values("title") == ["T", "T"] and table.values("context") == ["a red fox", "none"]
    assert table.row.tolist() == [1, 2]
    impossible = document(("a", [question(1, answers=[], is_impossible=True, plausible_answers=[ANSWER])]))
    assert read(written(tmp_path, impossible), PLAIN).values("is_impossible") == [True]


def test_the_columns_have_the_types_of_the_hub_even_without_rows(tmp_path):
    wanted = pa.struct([("text", pa.list_(pa.string())), ("answer_start", pa.list_(pa.int64()))])
    for value in (ONE, {"data": []}, document(("a", [question(1)]))):
        table = read(written(tmp_path, value), NAMED)
        assert table.columns.schema.field("answers").type == wanted
        assert pa.types.is_large_string(table.columns.schema.field("title").type)
    assert table.values("answers") == [None], "a file without answers says nothing about them"


def test_cmrc_2018_in_its_own_form(tmp_path):
    value = [
        {
            "context_id": "TRAIN_1",
            "context_text": "范廷颂出生于1919年，1990年升枢机。",
            "title": "范廷颂",
            "qas": [
                {"query_id": "Q0", "query_text": "何时升任?", "answers": ["1990年", "1991年"]},
                {"query_id": "Q1", "query_text": "何时出生?", "answers": ["1919年"]},
            ],
        }
    ]
    table = read(written(tmp_path, value), PLAIN)
    assert table.values("id") == ["Q0", "Q1"] and table.values("question")[1] == "何时出生?"
    assert table.values("answers")[0] == {"text": ["1990年", "1991年"], "answer_start": [12, -1]}
    assert table.facts["answers"] == "3 without a position were sought in the passage, 1 of them not found"


def test_cmrc_2018_in_the_form_of_squad_and_members_in_any_order(tmp_path):
    article = {"id": "DEV_0", "paragraphs": [{"id": "DEV_0", "context": "文", "qas": [question(1, answers=[])]}]}
    text = json.dumps({"data": [article], "version": 1.25, "more": {"data": [1]}}, indent=1)
    table = read(written(tmp_path, text), PLAIN)
    assert table.values("title") == [None] and table.values("context") == ["文"]


def test_ids_may_repeat_and_be_numbers(tmp_path):
    value = document(("a", [question(1, id=7), question(2, id=7), {"question": "?"}]))
    assert read(written(tmp_path, value), PLAIN).values("id") == ["7", "7", None]


def test_the_layout_of_the_hub_comes_through_json_lines(tmp_path):
    rows = read(written(tmp_path, ONE), PLAIN).columns.to_pylist()
    path = written(tmp_path, "".join(json.dumps(row) + "\n" for row in rows), "a.jsonl")
    table = read(path, PLAIN)
    assert table.columns.to_pylist() == rows
    assert table.value("answers", 0) == {"text": ["fox", "fox"], "answer_start": [6, 6]}


TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
ANSWERS = st.none() | st.lists(st.fixed_dictionaries({"text": TEXT, "answer_start": st.integers(-1, 9)}), max_size=2)
QUESTIONS = st.lists(st.tuples(TEXT, ANSWERS), max_size=3)
ARTICLES = st.lists(st.tuples(TEXT, st.lists(st.tuples(TEXT, QUESTIONS), max_size=3)), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(articles=ARTICLES, block=st.integers(1, 40), indent=st.sampled_from([None, 1]), last=st.floats(0, 1e9))
def test_what_is_written_is_read_whatever_the_portions(articles, block, indent, last, tmp_path, monkeypatch):
    data, expected = [], []
    for title, passages in articles:
        paragraphs = []
        for context, questions in passages:
            qas = [{"question": text} | ({} if given is None else {"answers": given}) for text, given in questions]
            paragraphs.append({"context": context, "qas": qas})
            expected += [(title, context, text, given) for text, given in questions]
        data.append({"title": title, "paragraphs": paragraphs})
    path = written(tmp_path, json.dumps({"n": -1.5e3, "data": data, "m": last}, indent=indent))
    with monkeypatch.context() as patch:
        patch.setattr(_text, "BLOCK_BYTES", block)
        patch.setattr(_text.encodings, "SAMPLE_BYTES", block)
        patch.setattr(_typed, "CHUNK_ROWS", block % 3 + 1)
        table = read(path, NAMED)
    got = list(zip(*(table.values(name) for name in ("title", "context", "question", "answers")), strict=True))
    assert got == [
        (title, context, text, None if given is None else {k: [a[k] for a in given] for k in ("text", "answer_start")})
        for title, context, text, given in expected
    ]
    assert table.row.tolist() == list(range(1, len(expected) + 1))


FORMS = {
    "squad": [ONE, ONE["data"], [{"context_text": "a", "qas": []}]],
    "json": [{"data": []}, [{"text": "a"}], {"text": ["a"]}, {"data": [{"text": "a", "paragraphs": "b"}]}],
}


@pytest.mark.parametrize("name", list(FORMS))
def test_documents_are_told_apart_by_their_first_item(name, tmp_path):
    for value in FORMS[name]:
        path = str(written(tmp_path, json.dumps(value, indent=1)))
        assert (squad.Squad.recognise(path), Json.recognise(path)) == (name == "squad", name == "json"), value
    assert not squad.Squad.recognise(str(written(tmp_path, ONE, "a.txt")))
    assert not squad.Squad.recognise(str(tmp_path / "absent.json"))


GOOD = ("a", [question(1, answers=[])])
FAULTS = {
    "no context": (document(GOOD, (None, [])), "row 2", "no text under 'context'"),
    "no question": (document(GOOD, ("b", [{"id": "1", "answers": []}])), "row 2", "no text under 'question'"),
    "answers no list": (document(GOOD, ("b", [question(2, answers={"text": ["a"]})])), "row 2", "answers are no list"),
    "answer no text": (document(GOOD, ("b", [question(2, answers=[{"answer_start": 0}])])), "row 2", "is no text"),
    "start no number": (document(("b", [question(2, answers=[ANSWER | {"answer_start": "0"}])])), "row 1", "no whole"),
    "start true": (document(("b", [question(2, answers=[ANSWER | {"answer_start": True}])])), "row 1", "no whole"),
    "start too large": (
        document(("b", [question(2, answers=[ANSWER | {"answer_start": 2**70}])])),
        "row 1",
        "no whole",
    ),
    "impossible": (document(GOOD, GOOD, ("b", [question(2, is_impossible="yes")])), "row 3", "neither true nor false"),
    "qas missing": ({"data": [{"paragraphs": [{"context": "a"}]}]}, "row 1", "no list of objects under 'qas'"),
    "paragraphs no list": ({"data": [{"paragraphs": 3}]}, "row 1", "no list of objects under 'paragraphs'"),
    "surrogate": (document(GOOD, ("b", [question(2, answers=[{"text": "\ud800"}])])), "row 2", "surrogate"),
    "cut off": (json.dumps(ONE["data"] * 2)[:-40], "row 3", "no JSON"),
    "no comma": ('{"data": [' + " ".join(json.dumps(ONE["data"][0]) for _ in "ab") + "]}", "row 2", "comma"),
    "key twice": ('{"data": [], "data": []}', "row 1", "stands twice"),
    "more behind": (json.dumps(ONE) + " []", "row 2", "more text follows"),
    "comma at the end": ('{"data": [],}', "row 1", "comma"),
    "no colon": ('{"data"; []}', "row 1", "colon"),
    "no data": ('{"version": [1]}', "a.json", "no list 'data'"),
    "no object": ('{"data": [3]}', "row 1", "no object"),
    "a text": ('"data"', "row 1", "no questions"),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_faults_name_the_question(name, tmp_path):
    value, place, words = FAULTS[name]
    path = written(tmp_path, value)
    with pytest.raises(DataError) as caught:
        read(path, NAMED)
    head = str(caught.value).splitlines()[0]
    assert head.startswith(str(path)) and place in head and words in head


def test_a_bad_byte_names_the_question(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps([*ONE["data"], *ONE["data"]]).replace("red", "r\xff", 2).encode("latin-1"))
    with pytest.raises(DataError, match=r"row \d.*0xff"):
        read(path, NAMED)


def test_a_passage_that_is_repeated_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(squad, "REPEATED_FREE", 1000)
    honest = written(tmp_path, document(("a" * 100, [question(n, answers=[]) for n in range(50)])))
    assert len(read(honest, NAMED)) == 50
    for answers in ([], ["b"] * 300):
        path = written(tmp_path, document(("a" * 50_000, [question(n, answers=answers) for n in range(300)])))
        with pytest.raises(DataError, match="far more text than the file holds"):
            read(path, NAMED)


def test_an_article_without_end_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(_document, "ITEM_CHARACTERS", 300_000)
    with pytest.raises(DataError, match=r"does not end within 300,000"):
        read(written(tmp_path, '{"data": [{"title": "' + "a" * 2_000_000), NAMED)


def test_articles_are_streamed(tmp_path, monkeypatch):
    """No more than a few articles are held: whole documents are never asked for."""
    monkeypatch.setattr(_document.Document, "whole", lambda self: pytest.fail("read whole"))
    articles = [document((f"passage {n}", [question(n, answers=[])]), title=str(n))["data"][0] for n in range(2000)]
    reader = squad.Squad()
    monkeypatch.setattr(_typed, "CHUNK_ROWS", 10)
    first = next(iter(reader.read(str(written(tmp_path, {"data": articles})))))
    assert first.columns.num_rows == 10 and first.rows.tolist() == list(range(1, 11))
