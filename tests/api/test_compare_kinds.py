"""Runs of every kind of task beside each other: what their predictions files hold is judged by the task's metrics."""

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import tiny_models
from bertune.base import registry
from bertune.base.errors import DataError, RecipeError, ResumeError
from bertune.runs.ask import ask
from bertune.runs.compare import compare
from bertune.runs.prepare import prepare
from bertune.runs.telling import Silent
from bertune.runs.train import train

ROWS = 400
WORDS = [word for words in tiny_models.WORDS.values() for word in words]
ENTITY = pa.list_(pa.struct({"start": pa.int64(), "end": pa.int64(), "label": pa.string(), "text": pa.string()}))


def _classes(right):
    return {"label": ["a"] * len(right), "prediction": np.where(right, "a", "b").tolist(),
            "probabilities": [[0.9, 0.1] if r else [0.2, 0.8] for r in right]}  # fmt: skip


def _labels(right):
    return {"label": [["a", "b"]] * len(right), "prediction": [["a", "b"] if r else ["b"] for r in right],
            "probabilities": [[0.9, 0.9] if r else [0.2, 0.9] for r in right]}  # fmt: skip


def _numbers(right):
    gold = np.arange(len(right)) % 7
    return {"label": gold.astype(float), "prediction": gold + np.where(right, 0.1, 3.0) * (-1) ** np.arange(len(right))}


def _choices(right):
    return {"label": np.arange(len(right)) % 2, "prediction": np.where(right, np.arange(len(right)) % 2, 2),
            "probabilities": [[0.3, 0.3, 0.4]] * len(right)}  # fmt: skip


def _entities(right):
    one = {"start": 0, "end": 4, "label": "PER", "text": "text"}
    guess = [[one] if r else [{**one, "end": 3}] for r in right]
    return {"label": pa.array([[one]] * len(right), ENTITY), "prediction": pa.array(guess, ENTITY)}


def _answers(right):
    acceptable = [{"text": text, "start": 0} for text in ("Paris", "in Paris")]
    return {"label": ["Paris"] * len(right), "acceptable": [acceptable] * len(right),
            "prediction": np.where(right, "in Paris", "").tolist()}  # fmt: skip


KINDS = {  # task: (labels in run.json, columns, metric that counts rows right, another)
    "text_classification": (("a", "b"), _classes, "accuracy", "log_loss"),
    "multi_label": (("a", "b"), _labels, "labels_exact_match", "labels_log_loss"),
    "regression": ((), _numbers, "spearman", "rmse"),
    "multiple_choice": (("1", "2"), _choices, "accuracy", None),
    "token_classification": (("O", "B-PER", "I-PER"), _entities, "entity_f1", "entity_recall"),
    "question_answering": ((), _answers, "exact_match", "answer_f1"),
}


def made(path, task, right):
    """The folder of a run of a task whose answers are right in the rows where `right` is True."""
    labels, columns, metric, _ = KINDS[task]
    (path / "predictions").mkdir(parents=True)
    record = {"status": "done", "task": task, "labels": labels, "metric": metric}
    (path / "run.json").write_text(json.dumps(record))
    texts = {"text": [f"text {i // 2}" for i in range(len(right))]}
    pq.write_table(pa.table({**texts, **columns(right)}), path / "predictions" / "test.parquet")
    return path


def shares(right, seed):
    return np.random.default_rng(seed).random(ROWS) < right


@pytest.mark.parametrize("task", KINDS)
def test_the_better_of_two_runs_of_every_kind(task, tmp_path):
    one, other = made(tmp_path / "a", task, shares(0.6, 0)), made(tmp_path / "b", task, shares(0.9, 1))
    _, _, metric, another = KINDS[task]
    for name in filter(None, (metric, another)):
        ahead = compare([one, other], metric=name).comparisons[1]
        assert ahead.verdict == "better" and ahead.more_rows is None, name
        assert compare([other, one], metric=name).comparisons[1].verdict == "worse", name
    if task not in ("regression",):  # each row is right or wrong: the score is the share of those that are right
        assert compare([one, other]).comparisons[0].score.value == pytest.approx(shares(0.6, 0).mean())


@pytest.mark.parametrize("task", KINDS)
def test_runs_of_every_kind_that_are_too_near_to_tell(task, tmp_path):
    at = np.arange(ROWS)
    one = made(tmp_path / "a", task, at % 5 != 0)
    other = made(tmp_path / "b", task, (at % 5 != 1) | (at < 40))
    found = compare([one, other]).comparisons[1]
    assert found.verdict == "cannot tell" and (found.more_rows or 0) > 0
    assert compare([one, one]).comparisons[1].difference.value == 0


@pytest.mark.parametrize("task", KINDS)
def test_a_metric_of_another_kind_is_refused_with_those_that_fit(task, tmp_path):
    one = made(tmp_path / "a", task, shares(0.6, 0))
    wrong = "accuracy" if task == "regression" else "rmse"
    with pytest.raises(RecipeError, match=f"--metric.*{KINDS[task][2]}"):
        compare([one, one], metric=wrong)


def test_runs_of_different_kinds_and_of_no_known_task_are_refused(tmp_path):
    one, other = (made(tmp_path / task, task, shares(0.6, 0)) for task in ("text_classification", "regression"))
    with pytest.raises(DataError, match="answer different things"):
        compare([one, other])
    unknown = made(tmp_path / "c", "text_classification", shares(0.6, 0))
    record = json.loads((unknown / "run.json").read_text())
    (unknown / "run.json").write_text(json.dumps({**record, "task": "juggling"}))
    with pytest.raises(ResumeError, match="no task that is known"):
        compare([one, unknown])


def example(task, place):
    """A file of the rows of a task's example, several times and each time with other words before them."""
    lines = task.example.splitlines()
    head = [] if task.file.endswith("jsonl") else lines[:1]
    chance = random.Random(0)
    rows = [_begun(row, " ".join(chance.choices(WORDS, k=12))) for _ in range(5) for row in lines[len(head) :]]
    place.mkdir()
    (place / task.file).write_text("\n".join([*head, *rows]) + "\n", encoding="utf-8")
    return place / task.file


def _begun(row, words):
    """A row whose first text, or whose first token, begins with some words; with tokens, they are tagged O."""
    if row.startswith('{"tokens"'):
        entry = json.loads(row)
        tokens, tags = words.split() + entry["tokens"], ["O"] * len(words.split()) + entry["tags"]
        return json.dumps({"tokens": tokens, "tags": tags})
    at = row.index(': "') + 3 if row.startswith("{") else int(row.startswith('"'))
    return f"{row[:at]}{words} {row[at:]}"


SMALL = {
    "training.epochs": 1, "training.seeds": 1, "training.threads": 1, "training.precision": "fp32",
    "training.batch_size": 8, "optimizer.learning_rate": 1e-4, "evaluation.resamples": 100,
    "evaluation.early_stopping": False, "data.split.valid_share": 0.3, "data.split.test_share": 0.3,
}  # fmt: skip


@pytest.mark.parametrize("name", registry.names("tasks"))
def test_a_run_of_every_task_compares_with_itself_by_the_score_that_it_told(name, tiny, tmp_path):
    """The predictions file of a real run, read again, has the scores that stand in scores.json."""
    data = example(registry.load("tasks", name), tmp_path / "data")
    recipe = ask({"data": str(data), "task": name, "model": str(tiny("bert"))}, SMALL)
    folder = train(recipe, tmp_path / "run", report=False)
    told = json.loads((tmp_path / "run" / "scores.json").read_text())["test"]
    for metric in registry.load("tasks", name)().metrics:
        found = compare([folder, folder], metric=metric)
        assert found.comparisons[0].score.value == pytest.approx(told[metric]["value"], abs=1e-9), metric
        assert found.rows == told[metric]["n"] and found.comparisons[1].difference.value == 0


@pytest.mark.parametrize("name", registry.names("tasks"))
def test_a_metric_that_does_not_fit_the_task_is_refused_before_anything_is_computed(name, tiny, tmp_path):
    task = registry.load("tasks", name)
    data = example(task, tmp_path / "data")
    wrong = "rmse" if task.kind == "class" else "accuracy"
    recipe = ask({"data": str(data), "task": name, "model": str(tmp_path / "none")}, {"evaluation.metric": wrong})
    with pytest.raises(RecipeError, match=rf"evaluation\.metric +{wrong} judges .*{task().metrics[0]}"):
        prepare(recipe, Silent())
