"""Tiny runs of every kind from the data to the report: what training writes is what the report reads."""

import json
import random
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import bertune
import tiny_models
from bertune.base import registry
from bertune.report.folder import RunFolder

SETTINGS: dict[str, Any] = {
    "training.epochs": 1, "training.seeds": 1, "training.threads": 1, "training.batch_size": 16,
    "training.precision": "fp32", "evaluation.early_stopping": False, "evaluation.per_epoch": 1,
    "evaluation.resamples": 100, "data.split.valid_share": 0.2, "data.split.test_share": 0.2,
}  # fmt: skip
COPIES = 8  # of the rows of the example, each told apart by words of its own


def rows_of(name: str, place: Path) -> Path:
    """The rows of a task's example several times over, as a file of its format."""
    task = registry.load("tasks", name)
    head, *lines = task.example.splitlines()
    if task.file.endswith(".jsonl"):
        head, lines = "", [head, *lines]
    made, chance = [], random.Random(1)
    for copy in range(COPIES):
        for line in lines:
            if head:
                quote = line[: line.startswith('"')]
                told = " ".join(chance.choices(tiny_models.WORDS["any"], k=9))
                made.append(f"{quote}{told} {line[len(quote) :]}")
            else:
                row = json.loads(line)
                if "tokens" in row:
                    row = {"tokens": [*row["tokens"], str(copy)], "tags": [*row["tags"], "O"]}
                else:
                    row["question"] += f" {copy}"
                made.append(json.dumps(row))
    file = place / task.file
    file.write_text("\n".join([*([head] if head else []), *made]) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny: Any) -> dict[str, Path]:
    """A run of each kind."""
    root, made = tmp_path_factory.mktemp("trained"), {}
    for name in ("regression", "multi_label", "token_classification", "question_answering", "multiple_choice"):
        place = root / name
        place.mkdir()
        bertune.train(rows_of(name, place), task=name, model=tiny("bert"), out=place / "run", settings=SETTINGS,
                      quiet=True)  # fmt: skip
        made[name] = place / "run"
    return made


@pytest.mark.parametrize(
    ("name", "part"),
    [("regression", "values"), ("multi_label", "labels"), ("token_classification", None),
     ("question_answering", "answers"), ("multiple_choice", None)],
)  # fmt: skip
def test_a_run_has_a_whole_report_and_a_card(name: str, part: str | None, trained: dict[str, Path]) -> None:
    run = trained[name]
    page = (run / "report.html").read_text(encoding="utf-8")
    assert 'class="broken"' not in page
    assert part is None or f'<section id="{part}"' in page
    assert '<section id="mistakes"' in page
    assert RunFolder(run).kind == ("choice" if name == "multiple_choice" else RunFolder(run).fact("kind"))
    assert RunFolder(run).rows
    assert "```python" in (run / "model" / "README.md").read_text(encoding="utf-8")


def test_choices_stand_beside_the_answers(trained: dict[str, Path]) -> None:
    """Positions of choices are no classes: nothing looks for wrong labels among them."""
    run = trained["multiple_choice"]
    rows = pq.read_table(run / "predictions" / "test.parquet").to_pylist()
    assert all(row["choice"] == row["choices"][row["prediction"]] for row in rows)
    assert not (run / "suspects.json").exists()
    assert RunFolder(run).table("class_counts") == {}


def test_acceptable_answers_stand_beside_the_answers(trained: dict[str, Path]) -> None:
    run = trained["question_answering"]
    rows = pq.read_table(run / "predictions" / "test.parquet").to_pylist()
    counts = {kind: entry["n"] for kind, entry in RunFolder(run).results["mistakes"].items()}
    assert {kind: sum(row["kind"] == kind for row in rows) for kind in counts} == counts
    assert all(row["text_pair"][a["start"] :].startswith(a["text"]) for row in rows for a in row["acceptable"])


def test_places_of_entities_are_those_of_their_text(trained: dict[str, Path]) -> None:
    rows = pq.read_table(trained["token_classification"] / "predictions" / "test.parquet").to_pylist()
    found = [(row["text"], entity) for row in rows for entity in (*row["label"], *row["prediction"])]
    assert found
    assert all(text[e["start"] : e["end"]] == e["text"] for text, e in found)
