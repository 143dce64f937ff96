"""Scripts, formulas and control characters in texts, labels and names are shown as text wherever they are shown."""

import csv
import io
import json
import re

import numpy as np
import pytest
from rich.console import Console

from bertune.base.types import Examples, Finding, Guesses, Place
from bertune.base.wording import harmless_json, visible
from bertune.cli.ending import ending
from bertune.report.card import card, plain
from bertune.runs.answers import FORMULA, Portion, harmless, print_lines, write
from bertune.runs.check import tell
from bertune.runs.new_rows import NewRows
from bertune.runs.predict import Answered
from bertune.runs.telling import Json, People
from bertune.tasks.text_classification import TextClassification

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
NASTY = "\x1b[31mred\x1b]0;title\x07 \x9b2J \r over \u202egpj.exe \u2066x \x00 \x7f <script>alert(1)</script> [bold]"
FORMULAS = [start + "cmd|' /C calc'!A0" for start in FORMULA]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def portion(texts, classes, labels=None, files=None):
    count = len(texts)
    guesses = Guesses(np.arange(count) % len(classes), np.full((count, len(classes)), 1 / len(classes)))
    answered = Answered(
        TextClassification(), tuple(classes), guesses, np.arange(count), (None,) * count, np.zeros(count, bool)
    )
    return Portion(NewRows(np.arange(1, count + 1), Examples(list(texts), None, labels), files), answered)


def test_the_characters_in_question_are_obeyed_and_made_visible():
    assert len(OBEYED.findall(NASTY)) >= 9
    assert not OBEYED.search(visible(NASTY))
    assert "red" in visible(NASTY) and "<script>" in visible(NASTY)
    assert visible("Straße 中文 עברית é\u0301 😀\n\tx") == "Straße 中文 עברית é\u0301 😀\n\tx"


@pytest.mark.parametrize("terminal", [True, False])
def test_what_is_told_to_people_obeys_nothing(terminal):
    stream = Terminal()
    console = Console(file=stream, force_terminal=terminal, color_system=None, width=80, highlight=False)
    people = People(console)
    people.say("found", NASTY)
    people.warn(NASTY)
    tell(Finding("code", "error", NASTY, NASTY, (Place(f"{NASTY}.csv", 1),), 1), people)
    assert not OBEYED.search(stream.getvalue())
    assert "[bold]" in stream.getvalue()


def test_json_lines_say_the_same_and_obey_nothing():
    stream = io.StringIO()
    Json(stream).say("found", NASTY, label=NASTY)
    assert not OBEYED.search(stream.getvalue().rstrip("\n"))
    assert json.loads(stream.getvalue()) == {"topic": "found", "text": NASTY, "label": NASTY}
    assert harmless_json('"中文 é"') == '"中文 é"'


@pytest.mark.parametrize("as_json", [True, False])
def test_answers_on_the_terminal_obey_nothing(as_json, capsys):
    print_lines([portion([NASTY], [NASTY, "b"])], as_json=as_json)
    said = capsys.readouterr().out
    assert not OBEYED.search(said.rstrip("\n"))
    assert "red" in said


@pytest.mark.parametrize("as_json", [True, False])
def test_an_error_that_names_them_obeys_nothing(as_json, capsys):
    from bertune.base.errors import DataError

    with pytest.raises(SystemExit), ending(["--json"] if as_json else []):
        raise DataError(f"the column {NASTY}", where=f"{NASTY}.csv", found=NASTY)
    said = capsys.readouterr()
    assert not OBEYED.search((said.err + said.out).replace("\n", ""))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_formulas_are_harmless_in_csv_and_whole_elsewhere(suffix, tmp_path):
    """Predictions, given labels and file names; the machine formats give back the very texts."""
    import pyarrow.parquet as pq

    out = tmp_path / f"out{suffix}"
    texts = [f"text {i}" for i in range(len(FORMULAS))]
    write(out, [portion(texts, FORMULAS, labels=FORMULAS, files=FORMULAS)])
    if suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(out.read_bytes().decode(), newline="")))
        cells = [cell for row in rows for cell in row.values()]
        assert not [cell for cell in cells if cell.startswith(FORMULA)]
        assert [row["prediction"] for row in rows] == [f"'{f}" for f in FORMULAS]
        assert [row["label"][1:] for row in rows] == [row["file"][1:] for row in rows] == FORMULAS
        assert list(json.loads(rows[0]["probabilities"])) == FORMULAS
        return
    if suffix == ".jsonl":
        found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        found = pq.read_table(out).to_pylist()
    assert [row["prediction"] for row in found] == [row["label"] for row in found] == FORMULAS


def test_only_texts_that_start_like_formulas_are_changed():
    assert [harmless(v) for v in ("a=1", -0.5, None, "", "＝1", "-1")] == ["a=1", -0.5, None, "", "'＝1", "'-1"]


MARKDOWN = (
    "[click](javascript:alert(1))", "![x](http://evil.example/x.png)", "# head", "<img src=x onerror=alert(1)>",
    "a | b",    "```\ncode\n```", "- item\n\n---\nname: evil", "$x$", "~~a~~ **b** _c_", "&lt;script&gt;", "http://evil.example",
)  # fmt: skip


@pytest.mark.parametrize("text", MARKDOWN)
def test_the_card_shows_labels_as_text(text, tmp_path):
    rows = {"status": "done", "bertune": "0.1.0", "labels": [text, NASTY], "model": {"name": text, "source": text}}
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.json").write_text(json.dumps(rows), encoding="utf-8")
    made = card(run)
    assert plain(text) in made
    assert not OBEYED.search(made.replace("\n", ""))
    body = made.split("---\n", 2)[2]
    blocks = re.sub(r"```python\n.*?```", "", body, flags=re.S)
    for mark in ("<", "](", "![", "`", "**b**"):
        assert not re.search(r"(?<!\\)" + re.escape(mark), blocks), mark
    assert "\nname: evil" not in made
