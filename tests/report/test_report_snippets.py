"""The code of the model card runs as it stands, on tiny models, and says what bertune says."""

import contextlib
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from runs_of_kinds import of_kind

from bertune.base import registry
from bertune.base.sections import DataSection
from bertune.base.types import Examples
from bertune.data.table import read
from bertune.data.tokenizer import TextTokenizer
from bertune.evaluate.saved import About, load, save
from bertune.model.encoder import load as load_network
from bertune.report.card import card
from bertune.report.folder import RunFolder
from bertune.report.snippets import command_line
from bertune.report.words import Words
from bertune.runs.examples import examples_of, task_and_roles
from bertune.runs.predict import predict_examples

LENGTH = 48
THRESHOLD = 0.5


def saved_model(name: str, tiny: Path, place: Path) -> Path:
    """A run folder with an untrained model of a task, made from the task's own example."""
    kind = registry.load("tasks", name)
    place.mkdir(parents=True)
    file = place / kind.file
    file.write_text(kind.example, encoding="utf-8")
    table = read(file, DataSection())
    task, roles = task_and_roles(name, {}, table, {})
    classes = task.classes(examples_of(task, table, roles).gold)
    pair = roles.text_pair
    facts = {"labels": list(classes), "columns": {"text": roles.text, "text_pair": pair, "label": roles.label},
             "lengths": {"max_length": LENGTH}, "head": task.head}  # fmt: skip
    run = of_kind(place / "run", name, extra=facts)
    tokenizer = TextTokenizer(tiny)
    changes = {} if task.problem is None else {"problem_type": task.problem}
    model = load_network(tiny, task.head, classes, tokenizer.pad_id, 0, changes)
    more: dict[str, Any] = {"thresholds": [THRESHOLD] * len(classes)} if name == "multi_label" else {}
    columns = {"text": roles.text, "text_pair": pair, "label": roles.label, **roles.more}
    about = About(name, classes, columns, LENGTH, (), "drop", "", 1.0, None, task.metrics[0], "0", more, {})
    save(model, tokenizer, about, run / "model")
    return run


def said(run: Path, monkeypatch: pytest.MonkeyPatch, language: str = "en") -> str:
    """What the first lines of code of the card print, run where the card lies."""
    code = re.findall(r"```python\n(.*?)```", card(run, language), re.DOTALL)[0]
    monkeypatch.chdir(run / "model")
    lines = code.rstrip().splitlines()
    if not lines[-1].startswith("print("):
        lines[-1] = f"print({lines[-1]})"
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec("\n".join(lines), {"__name__": "card"})
    return out.getvalue().strip()


def answered(run: Path, examples: Examples) -> dict[str, Any]:
    """What bertune answers to a row."""
    return predict_examples(load(run), examples).answer(0)


def example(what: str) -> str:
    return Words("en").plain(f"use.example_{what}")


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_a_number(architecture: str, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = saved_model("regression", tiny(architecture), tmp_path / "made")
    mine = answered(run, Examples([example("value")]))["prediction"]
    assert float(said(run, monkeypatch)) == pytest.approx(mine, abs=1e-4)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
def test_labels(architecture: str, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = saved_model("multi_label", tiny(architecture), tmp_path / "made")
    mine = answered(run, Examples([example("labels")]))
    assert len(mine["prediction"]) > 0 or max(mine["probabilities"].values()) < THRESHOLD
    assert sorted(eval(said(run, monkeypatch))) == sorted(mine["prediction"])


def test_entities(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = saved_model("token_classification", tiny("bert"), tmp_path / "made")
    text = example("spans")
    found = eval(said(run, monkeypatch), {"np": __import__("numpy")})
    assert found
    assert {entity["entity_group"] for entity in found} <= {"PER", "LOC"}
    assert all(0 <= entity["start"] < entity["end"] <= len(text) for entity in found)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_answer(
    architecture: str, language: str, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = saved_model("question_answering", tiny(architecture), tmp_path / "made")
    words = Words(language)
    question, context = (words.plain(f"use.example_{k}") for k in ("question", "context"))
    mine = answered(run, Examples([question], [context]))["prediction"]
    assert mine
    assert said(run, monkeypatch, language) == mine


def test_a_choice(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = saved_model("multiple_choice", tiny("bert"), tmp_path / "made")
    choices = example("choices").split("|")
    mine = answered(run, Examples([example("asked")], more={"choices": [choices]}))
    found = said(run, monkeypatch)
    assert found.startswith(mine["choice"])
    assert json.loads(found[found.index("[") :]) == pytest.approx(mine["probabilities"], abs=1e-4)


@pytest.mark.parametrize("task", ["similarity", "retrieval"])
def test_vectors(task: str, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = saved_model(task, tiny("bert"), tmp_path / "made")
    model = load(run)
    answers = predict_examples(model, Examples([example("question")], [example("context")]))
    cosine = answers.answer(0)["prediction"]
    assert float(said(run, monkeypatch)) == pytest.approx(cosine, abs=1e-4)
    assert "bertune search run texts.csv" in command_line(RunFolder(run), Words("en"))
    assert "pipeline_tag: sentence-similarity" in card(run)


def test_pairs_in_order(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = saved_model("reranking", tiny("bert"), tmp_path / "made")
    pairs = Examples([example("question")] * 2, [example("context"), example("asked")])
    found = predict_examples(load(run), pairs)
    assert eval(said(run, monkeypatch)) == pytest.approx([found.answer(k)["prediction"] for k in (0, 1)], abs=1e-4)
    assert "search" not in command_line(RunFolder(run), Words("en"))
    assert "pipeline_tag: text-ranking" in card(run)
