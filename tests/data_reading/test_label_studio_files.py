"""Label Studio's exports JSON and JSON-MIN: marked places, choices, what is left out, and every fault by its row."""

import json

import pytest

from bertune.base.errors import DataError
from bertune.base.sections import DataSection
from bertune.data.readers import _json, _labelled
from bertune.data.readers._typed import SPANS
from bertune.data.table import read

PLAIN = DataSection()
NAMED = DataSection(format="label_studio")


def span(start, end, label):
    return {"start": start, "end": end, "label": label}


def place(start, end, text, *labels):
    value = {"start": start, "end": end, "text": text, "labels": list(labels)}
    return {"id": "x", "from_name": "label", "to_name": "text", "type": "labels", "value": value}


def choice(*chosen, name="sentiment"):
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": list(chosen)}}


def task(text, *results, **more):
    return {"id": 5, "data": {"text": text}, "annotations": [{"result": list(results)}], "predictions": []} | more


def written(folder, value):
    path = folder / "a.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_marked_places(tmp_path):
    tasks = [task("Ann saw London.", place(8, 14, "London", "LOC"), place(0, 3, "Ann", "PER", "NAME"))]
    tasks += [task("nothing"), task("not seen", annotations=[])]
    table = read(written(tmp_path, tasks), PLAIN)
    assert table.facts["format"] == "label_studio" and table.names == ("id", "text", "spans")
    assert table.values("spans") == [[span(0, 3, "NAME"), span(0, 3, "PER"), span(8, 14, "LOC")], [], None]
    assert table.columns.schema.field("spans").type == SPANS


def test_offsets_behind_an_emoji_are_put_right(tmp_path):
    """Label Studio counts UTF-16 units: its issue 1347."""
    table = read(written(tmp_path, [task("💩This is an annotation.", place(13, 23, "annotation", "A"))]), PLAIN)
    assert table.value("spans", 0) == [span(12, 22, "A")] and table.facts["offsets"]


def test_choices_single_and_several(tmp_path):
    single = read(written(tmp_path, [task("a", choice("good")), task("b"), task("c", annotations=[])]), PLAIN)
    assert single.names == ("id", "text", "label") and single.values("label") == ["good", None, None]
    tasks = [task("a", choice("x")), task("b", choice("x", "y")), task("c"), task("d", annotations=[])]
    assert read(written(tmp_path, tasks), PLAIN).values("labels") == [["x"], ["x", "y"], [], None]


def test_several_questions_have_a_column_each(tmp_path):
    tasks = [task("a", choice("good"), choice("x", "y", name="topic")), task("b", choice("x", name="topic"))]
    table = read(written(tmp_path, tasks), PLAIN)
    assert table.values("sentiment") == ["good", None] and table.values("topic") == [["x", "y"], ["x"]]


def test_what_the_first_portion_lacks_stands_there_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(_json, "CHUNK_ROWS", 1)
    tasks = [task("a", choice("x")), task("b", choice("x", "y"), place(0, 1, "b", "A"))]
    table = read(written(tmp_path, tasks), PLAIN)
    assert table.values("labels") == [["x"], ["x", "y"]] and table.values("spans") == [[], [span(0, 1, "A")]]


def test_which_annotation_counts_and_what_is_left_out(tmp_path):
    skipped, first = {"result": [choice("no")], "was_cancelled": True}, {"result": [choice("first")]}
    of_a_place = choice("no") | {"value": {"start": 0, "end": 1, "choices": ["no"]}}
    truth = {"result": [of_a_place, choice("truth"), {"type": "rating", "value": {"rating": 3}}, {"type": "relation"}]}
    tasks = [
        task("a", annotations=[skipped, first]),
        task("b", annotations=[first, truth | {"ground_truth": True}]),
        task("c", annotations=[skipped]),
        {"data": {"text": "d", "meta": {"x": 1}}, "completions": [first]},
    ]
    table = read(written(tmp_path, tasks), PLAIN)
    assert table.values("label") == ["first", "truth", None, "first"]
    assert table.facts["left out"] == (
        "1 further annotations of the same task, 1 lists and objects of the data, 1 results of type 'choices', "
        "1 results of type 'rating', 1 results of type 'relation', 2 skipped annotations"
    )


def test_the_data_beside_the_text(tmp_path):
    other = task("", place(0, 2, "ab", "A")) | {"data": {"body": "ab", "score": 1.5, "id": "k"}}
    table = read(written(tmp_path, [other]), PLAIN)
    assert table.columns.to_pylist() == [{"id": "k", "text": "ab", "score": 1.5, "spans": [span(0, 2, "A")]}]
    two = task("", choice("same")) | {"data": {"text1": "a", "text2": "b"}}
    assert read(written(tmp_path, [two]), PLAIN).names == ("id", "text1", "text2", "label")


MIN = {"id": 3, "annotator": 1, "annotation_id": 9, "created_at": "2024", "updated_at": "2024", "lead_time": 2.5}


def test_json_min(tmp_path):
    one = MIN | {"body": "Ann ran", "ner": [{"start": 0, "end": 3, "text": "Ann", "labels": ["PER"]}]}
    rows = [one | {"topic": {"choices": ["x", "y"]}, "sentiment": {"choices": ["a", "b"]}}]
    rows += [MIN | {"body": "none", "topic": "x", "sentiment": "a"}]
    table = read(written(tmp_path, rows[:1] + rows), PLAIN)
    assert table.facts["format"] == "label_studio"
    assert table.columns.to_pylist()[1:] == [
        {"id": 3, "text": "Ann ran", "spans": [span(0, 3, "PER")], "topic": ["x", "y"], "sentiment": ["a", "b"]},
        {"id": 3, "text": "none", "spans": [], "topic": ["x"], "sentiment": ["a"]},
    ]
    plain = read(written(tmp_path, [MIN | {"text": "a", "sentiment": "good"}]), PLAIN)
    assert plain.columns.to_pylist() == [{"id": 3, "text": "a", "sentiment": "good"}]
    old = read(written(tmp_path, [{"text": "Ann ran", "label": one["ner"]}]), PLAIN)
    assert old.facts["format"] == "json" and old.value("spans", 0) == [span(0, 3, "PER")]


GOOD = task("ab", place(0, 2, "ab", "A"))
FAULTS = {
    "another quote": ([GOOD, task("abc", place(0, 2, "bc", "A"))], "row 2", "quoted text"),
    "beyond the text": ([task("ab", place(0, 3, None, "A"))], "row 1", "no text lies between"),
    "no labels": ([GOOD, task("ab", place(0, 2, "ab"))], "row 2", "no label"),
    "places in a page": (
        [task("ab", place("/p[1]/text()[1]", "/p[1]/text()[1]", "ab", "A") | {"type": "hypertextlabels"})],
        "row 1",
        "no whole numbers",
    ),
    "annotations no list": ([GOOD, GOOD | {"annotations": 3}], "row 2", "'annotations' is no list"),
    "result no list": ([GOOD | {"annotations": [{"result": {}}]}], "row 1", "'result' is no list"),
    "choices no list": ([GOOD, task("a", choice() | {"value": {"choices": "x"}})], "row 2", "choices of a result"),
    "two texts": ([GOOD | {"data": {"a": "ab", "b": "c"}}], "row 1", "cannot be told"),
    "a question called text": ([task("a", choice("x", name="text"))], "row 1", "called 'text'"),
    "an object": ({"data": {"text": "a"}, "annotations": []}, "a.json", "no export"),
    "no object": ([GOOD, 3], "row 2", "no object"),
    "cut off": (json.dumps([GOOD, GOOD])[:-9], "row 2", "no JSON"),
    "surrogate": ([GOOD, task("\ud800")], "row 2", "surrogate"),
    "empty": ("", "a.json", "empty"),
}


@pytest.mark.parametrize("name", list(FAULTS))
def test_faults_name_the_task(name, tmp_path):
    value, where, words = FAULTS[name]
    path = written(tmp_path, value)
    with pytest.raises(DataError) as caught:
        read(path, NAMED)
    head = str(caught.value).splitlines()[0]
    assert head.startswith(str(path)) and where in head and words in head


def test_questions_and_what_is_told_are_bounded(tmp_path, monkeypatch):
    kinds = [{"type": f"k{i}", "value": {}} for i in range(60)]
    table = read(written(tmp_path, [task("a", *kinds)]), PLAIN)
    assert len(table.facts["left out"]) < 1000 and "40 results of other types" in table.facts["left out"]
    monkeypatch.setattr(_labelled, "QUESTIONS", 5)
    with pytest.raises(DataError, match=r"row 1.*more than 5 questions"):
        read(written(tmp_path, [task("a", *(choice("x", name=f"q{i}") for i in range(6)))]), PLAIN)
