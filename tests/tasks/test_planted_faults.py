"""Faults planted in files of entities, answers, choices and labels are told with file and row, and no others are."""

import json
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertune.base.errors import DataError, RecipeError
from bertune.base.sections import DataSection
from bertune.data.table import read
from bertune.runs.ask import ask
from bertune.runs.check import check_data
from bertune.runs.examples import task_and_roles
from bertune.tasks import _answers, _entities


@dataclass
class Planted:
    """A file, the row with the fault, and how it is told.

    `code` is that of the finding, or `refused` what the message of the error matches.
    """

    name: str
    file: str
    text: str
    row: int
    code: str | None = None
    refused: str | None = None
    settings: dict = field(default_factory=dict)


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def tagged(*sentences):
    """Sentences of `token/tag` as a CoNLL file."""
    return "\n".join("".join(f"{t.replace('/', chr(9))}\n" for t in row.split()) for row in sentences)


def words(tokens, tags):
    return lines(*[{"tokens": ["Anna", "sings"], "tags": ["B-PER", "O"]}] * 3, {"tokens": tokens, "tags": tags})


def csv(header, *rows):
    return "\n".join((header, *rows)) + "\n"


GOOD = [
    "Anna/B-PER lives/O in/O Rome/B-LOC",
    "New/B-LOC York/I-LOC is/O large/O",
    "Peter/B-PER Smith/I-PER sings/O",
] * 3
SPAN = [{"text": f"Anna met Peter on day {i}", "spans": [{"start": 0, "end": 4, "label": "PER"}]} for i in range(6)]
QA = [{"question": f"Who lives in house {i}?", "context": f"In house {i} lives Anna.", "answers":
       {"text": ["Anna"], "answer_start": [17]}} for i in range(6)]  # fmt: skip
ASKED = [f"Who lives in house {i}?,In house {i} lives Anna.,Anna,17" for i in range(6)]
CHOICE = [{"question": f"What is {i}?", "choices": ["a fruit", "a number", "a song"], "label": i % 3} for i in range(6)]


def span(start, end, label="PER", text="Anna met Peter on day 9", quoted=None):
    more = {} if quoted is None else {"text": quoted}
    return lines(*SPAN, {"text": text, "spans": [{"start": start, "end": end, "label": label} | more]})


def squad(**changes):
    good = {"id": "1", "question": "Who lives here?", "answers": [{"text": "Anna", "answer_start": 0}]}
    paragraph = {"context": "Anna lives here.", "qas": [good, good | {"id": "2"} | changes]}
    return json.dumps({"version": "1.1", "data": [{"title": "t", "paragraphs": [paragraph]}]})


def answered(text, start):
    return lines(*QA, {"question": "Who sings?", "context": "Every day Peter sings.",
                       "answers": {"text": [text], "answer_start": [start]}})  # fmt: skip


def asked(answer):
    return csv("question,context,answer,answer_start", *ASKED, f"Who sings?,Peter sings.,{answer}")


OVERLAP = [{"start": 0, "end": 10, "label": "PER"}, {"start": 5, "end": 10, "label": "LOC"}]
IMPOSSIBLE = "question,context,answer,answer_start,is_impossible"
NAMED = {"task.name": "multi_label", "data.label": "joy,love"}
CODES = {**_entities.FAULTS, **_answers.FAULTS}
PLANTED = [
    Planted("another scheme", "a.conll", tagged(*GOOD, "Anna/S-PER sings/O"), 10, "tag_scheme"),
    Planted("I after another type", "a.conll", tagged(*GOOD, "Anna/B-PER Smith/I-LOC"), 10, "tag_scheme"),
    Planted("I after O", "a.conll", tagged("Anna/O Smith/I-PER", *GOOD), 1, "tag_scheme"),
    Planted("a misspelt tag", "a.conll", tagged(*GOOD, "Anna/B_PER sings/O"), 10, "tag_scheme"),
    Planted("a token without a tag", "a.conll", tagged(*GOOD, "Anna/B-PER sings"), 10, refused="token has no tag"),
    Planted("more tags than tokens", "a.jsonl", words(["Peter", "sings"], ["B-PER", "O", "O"]), 4, refused="in number"),
    Planted("a tag is null", "a.jsonl", words(["Peter", "sings"], ["B-PER", None]), 4, refused="tag is missing"),
    Planted("a token is null", "a.parquet", words(["Peter", None], ["B-PER", "O"]), 4, refused="token is missing"),
    Planted("an inclusive end", "a.jsonl", span(0, 3, quoted="Anna"), 7, refused="quoted text"),
    Planted("an inclusive end", "a.parquet", span(0, 3, quoted="Anna"), 7, refused="the text that it quotes"),
    Planted("an end within a word", "a.jsonl", span(0, 3), 7, "span_edges"),
    Planted("a start within a word", "a.parquet", span(1, 4), 7, "span_edges"),
    Planted("a blank span", "a.jsonl", span(4, 5), 7, "span_edges"),
    Planted("a span beyond the text", "a.jsonl", span(9, 99), 7, refused="no text lies between"),
    Planted("a span beyond the text", "a.parquet", span(9, 99), 7, refused="does not lie in its text"),
    Planted("an empty span", "a.jsonl", span(4, 4), 7, refused="no text lies between"),
    Planted("a negative start", "a.parquet", span(-1, 4), 7, refused="does not lie in its text"),
    Planted("overlapping entities", "a.jsonl", lines(*SPAN, {"text": "Anna Smith sings", "spans": OVERLAP}), 7,
            "overlapping_entities"),
    Planted("an answer that is not there", "a.jsonl", answered("Mary", 10), 7, "answer_not_in_context"),
    Planted("a start off by one", "a.jsonl", answered("Peter", 11), 7, "answer_elsewhere"),
    Planted("a start beyond the context", "a.jsonl", answered("Peter", 1000), 7, "answer_elsewhere"),
    Planted("an answer without text", "a.jsonl", answered("", 10), 7, refused="answer has no text"),
    Planted("an answer that is null", "a.parquet", answered(None, 10), 7, refused="answer has no text"),
    Planted("a start off by one", "a.csv", asked("Peter,1"), 7, "answer_elsewhere"),
    Planted("a start that is a word", "a.csv", asked("Peter,here"), 7, refused="is no number"),
    Planted("a start that is half", "a.csv", asked("Peter,0.5"), 7, refused="is no number"),
    Planted("a start that looks like a digit", "a.csv", asked("Peter,²"), 7, refused="is no number"),
    Planted("impossible, with an answer", "a.csv", csv(IMPOSSIBLE, *[row + ",False" for row in ASKED],
            "Who sings?,Peter sings.,Peter,0,True"), 7, "answer_contradicted"),
    Planted("possible, without an answer", "a.json", squad(answers=[], is_impossible=False), 2, "answer_contradicted"),
    Planted("SQuAD off by one", "a.json", squad(answers=[{"text": "here", "answer_start": 12}]), 2, "answer_elsewhere"),
    Planted("SQuAD without the answer", "a.json", squad(answers=[{"text": "Mary", "answer_start": 0}]), 2,
            "answer_not_in_context"),
    Planted("SQuAD without text", "a.json", squad(answers=[{"text": None}]), 2, refused="is no text"),
    Planted("SQuAD with a word for a start", "a.json", squad(answers=[{"text": "Anna", "answer_start": "x"}]), 2,
            refused="no whole number"),
    Planted("a label beyond the choices", "a.jsonl", lines(*CHOICE, CHOICE[0] | {"label": 7}), 7,
            refused="none of the row's choices"),
    Planted("one choice", "a.jsonl", lines(*CHOICE, CHOICE[0] | {"choices": ["x"]}), 7,
            refused="nothing to choose from"),
    Planted("a letter without a choice", "a.csv", csv("question,A,B,label", *["What is it?,apple,pear,A"] * 3,
            "What is that?,apple,pear,C"), 4, refused="none of the row's choices"),
    Planted("neither 0 nor 1", "a.csv", csv("text,joy,love", *[f"day {i},1,0" for i in range(4)], "day 4,0.5,1"), 5,
            refused="neither given nor not", settings=NAMED),
    Planted("a number in words", "a.csv", csv("text,label", *[f"day {i},{i}.5" for i in range(6)], "day 6,bad"), 7,
            refused="label is no number", settings={"task.name": "regression"}),
]  # fmt: skip


def found_in(case, folder, model, text):
    """The codes that tasks find, with their rows. Raises DataError."""
    file = folder / case.file
    if file.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([json.loads(line) for line in text.splitlines()]), file)
    else:
        file.write_text(text, encoding="utf-8")
    found = check_data(ask({"data": str(file), "model": str(model)}, case.settings))
    assert all(place.file == str(file) for finding in found for place in finding.rows)
    return {f.code: [place.row for place in f.rows] for f in found if f.code in CODES}


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: f"{case.name} in {case.file[2:]}")
def test_a_planted_fault_is_told_with_its_row(case, tiny, tmp_path):
    if case.refused is None:
        assert found_in(case, tmp_path, tiny(), case.text) == {case.code: [case.row]}
    else:
        with pytest.raises(DataError, match=re.escape(case.refused)) as told:
            found_in(case, tmp_path, tiny(), case.text)
        assert f"{case.file} row {case.row}" in str(told.value)


WHOLE = [
    Planted("CoNLL", "a.conll", tagged(*GOOD), 0),
    Planted("spans", "a.jsonl", lines(*SPAN), 0),
    Planted("answers", "a.jsonl", lines(*QA), 0),
    Planted("answers in CSV", "a.csv", csv("question,context,answer,answer_start", *ASKED), 0),
    Planted("SQuAD", "a.json", squad(answers=[], is_impossible=True), 0),
    Planted("choices", "a.jsonl", lines(*CHOICE), 0),
]  # fmt: skip


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.name)
def test_files_without_a_fault_give_none(case, tiny, tmp_path):
    assert found_in(case, tmp_path, tiny(), case.text) == {}


def test_every_code_is_planted_and_explained():
    assert {case.code for case in PLANTED if case.code} == set(CODES)
    page = (Path(__file__).resolve().parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    assert {code for code in CODES if f"`{code}`" not in page} == set()


def test_flags_and_places_as_csv_has_them(tiny, tmp_path):
    """Places as pandas writes them beside missing ones, and truth values in words."""
    file = tmp_path / "a.csv"
    rows = ["Who sings?,Peter sings.,Peter,0.0,False", "Who sings?,Peter sleeps.,,,True", "Who?,Anna sings.,Anna,0,"]
    file.write_text(csv(IMPOSSIBLE, *rows), encoding="utf-8")
    table = read(file, DataSection())
    task, roles = task_and_roles("auto", {}, table, {})
    assert list(task.gold(table, roles)) == [(("Peter", 0),), (), (("Anna", 0),)]
    assert task.findings(table, roles) == []


def test_tags_that_are_numbers_are_refused_by_name(tmp_path):
    """As the hub stores them: without their names nothing can be said of entities."""
    file = tmp_path / "a.jsonl"
    file.write_text(lines(*[{"tokens": ["Anna", "sings"], "ner_tags": [1, 0]}] * 6), encoding="utf-8")
    table = read(file, DataSection())
    task, roles = task_and_roles("auto", {}, table, {})
    with pytest.raises(DataError, match=r"'ner_tags' holds neither[\s\S]*hf:<dataset> knows"):
        task.gold(table, roles)


@pytest.mark.parametrize("case", WHOLE, ids=lambda case: case.name)
def test_spellings_are_merged_of_classes_alone(case, tiny, tmp_path):
    with pytest.raises(RecipeError, match="no single label a row"):
        found_in(replace(case, settings={"data.label_spelling": "merge"}), tmp_path, tiny(), case.text)
