"""Run folders of every kind of answer but classes, made on the spot: what such runs leave behind."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from report_runs import HOSTILE, TEXTS, record, value, write_json

from bertune.base import registry
from bertune.base.types import Judged, Tuned

RIGHT_TO_LEFT = "تعيش آنا في روما منذ سنوات"
LONG = "word " * 400 + "Anna lives in Rome" + " word" * 400
LABELS = ("billing", "delivery", "damage")
TYPES = ("LOC", "PER")
TAGS = ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
KINDS = ("exact", "partly", "elsewhere", "invented", "withheld", "exact")
N = 24


def of_kind(path: Path, task: str, texts: Sequence[str] = (*TEXTS, RIGHT_TO_LEFT, LONG), labels: Sequence[str] = LABELS,
            extra: dict[str, Any] | None = None) -> Path:  # fmt: skip
    """A run folder of a task with `N` test rows, some of them answered wrongly in each way there is."""
    columns, judged, classes, tuned, metric = MAKERS[task]([texts[k % len(texts)] for k in range(N)], tuple(labels))
    (path / "predictions").mkdir(parents=True)
    facts = record(path, classes, N, "text_pair" in columns)
    facts |= {"task": task, "labels": list(classes), "metric": metric, "class_counts": {}, "best": {}} | (extra or {})
    write_json(path / "run.json", facts)
    (path / "recipe.toml").write_text("seed = 0\n[report]\nexamples = 12\n", encoding="utf-8")
    kind = registry.load("tasks", task).kind
    details = registry.load("details", f"of_{kind}")()(judged, None, tuned, 50, 0)
    known = registry.load("tasks", task)().metrics
    found = {"test": {name: value(0.62, 0.05, N) for name in known}, "classes": list(classes), "judged_on": "test"}
    write_json(path / "scores.json", found | details)
    clean = json.loads(json.dumps(columns).encode("utf-8", "replace").decode("utf-8", "replace"))
    rows = {"file": ["rows.csv"] * N, "row": list(range(1, N + 1))}
    table = {k: [_utf8(x) for x in v] for k, v in (rows | clean).items()}
    pq.write_table(pa.table(table), path / "predictions" / "test.parquet")
    return path


def bare(path: Path, task: str) -> Path:
    """A run of a task that has only begun."""
    path.mkdir(parents=True)
    write_json(path / "run.json", {"status": "running", "task": task, "labels": []})
    return path


def hostile_of_kind(path: Path, task: str) -> Path:
    """A run whose every text, type, answer and choice is an attack or as long as a book."""
    return of_kind(path, task, [*HOSTILE, "long " * 2000], HOSTILE[:4], {"columns": {"label": HOSTILE[0]}})


def _utf8(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_utf8(x) for x in value]
    return {k: _utf8(v) for k, v in value.items()} if isinstance(value, dict) else value


Made = tuple[dict[str, Any], Judged, tuple[str, ...], Tuned, str]


def _values(texts: list[str], labels: tuple[str, ...]) -> Made:
    gold = np.linspace(0, 5, N)
    guess = 2.5 + 0.3 * (gold - 2.5)
    columns = {"label": gold.tolist(), "prediction": guess.tolist(), "text": texts, "text_pair": texts[::-1]}
    return columns, Judged(gold, guess, None, ()), (), Tuned(), "spearman"


def _labels(texts: list[str], labels: tuple[str, ...]) -> Made:
    rng = np.random.default_rng(3)
    gold = rng.random((N, len(labels))) < 0.4
    chances = gold * 0.3 + rng.random(gold.shape) * 0.6
    guess = chances >= 0.4
    named = [[[labels[k] for k in np.flatnonzero(row)] for row in side] for side in (gold, guess)]
    columns = {"label": named[0], "prediction": named[1], "probabilities": chances.tolist(), "text": texts}
    tuned = Tuned(more={"thresholds": [0.4] * len(labels)})
    return columns, Judged(gold, guess, chances, labels), labels, tuned, "labels_macro_f1"


def _spans(texts: list[str], labels: tuple[str, ...]) -> Made:
    types = labels if labels != LABELS else TYPES
    tags = ("O", *(f"{sign}-{t}" for t in types for sign in "BI"))
    a, b = types[0], types[1]
    pairs = [([(0, 4, a)], [(0, 4, a)]), ([(0, 4, a)], [(0, 4, b)]), ([(0, 4, a)], [(2, 6, a)]),
             ([(0, 4, a)], [(2, 6, b)]), ([(0, 4, a)], []), ([], [(5, 9, b)])]  # fmt: skip
    told = [pairs[k % len(pairs)] for k in range(N)]
    gold, guess = np.empty(N, object), np.empty(N, object)
    gold[:], guess[:] = [tuple(g) for g, _ in told], [tuple(p) for _, p in told]
    named = [[[{"start": s, "end": e, "label": t, "text": texts[k][s:e]} for s, e, t in row] for k, row in
              enumerate(side)] for side in (gold, guess)]  # fmt: skip
    columns = {"label": named[0], "prediction": named[1], "scores": [[0.9] * len(g) for g in guess], "text": texts}
    return columns, Judged(gold, guess, None, types), tags, Tuned(), "entity_f1"


def _answers(texts: list[str], labels: tuple[str, ...]) -> Made:
    contexts = [f"Anna lives in Rome. {text}" for text in texts]
    ways = [("Rome", "Rome"), ("Rome", "in Rome"), ("Rome", "Anna"), ("", "Anna"), ("Rome", ""), ("", "")]
    told = [ways[k % len(ways)] for k in range(N)]
    gold, guess = np.empty(N, object), np.empty(N, object)
    gold[:], guess[:] = [(g,) if g else () for g, _ in told], [p for _, p in told]
    starts = [c.find(p) if p else None for c, (_, p) in zip(contexts, told, strict=True)]
    known = [[{"text": g, "start": c.find(g)}] if g else [] for c, (g, _) in zip(contexts, told, strict=True)]
    columns = {"label": [g for g, _ in told], "prediction": [p for _, p in told], "start": starts,
               "probability": [0.9 - 0.01 * k for k in range(N)], "text": texts, "text_pair": contexts,
               "acceptable": known, "kind": [KINDS[k % len(KINDS)] for k in range(N)]}  # fmt: skip
    return columns, Judged(gold, guess, None, ()), (), Tuned(), "answer_f1"


def _choices(texts: list[str], labels: tuple[str, ...]) -> Made:
    choices = list(labels[:3])
    gold, guess = np.arange(N) % 3, np.arange(N) % 3
    guess[::2] = (guess[::2] + 1) % 3
    chances = np.full((N, 3), 0.2)
    chances[np.arange(N), guess] = 0.6
    columns = {"label": gold.tolist(), "prediction": guess.tolist(), "probability": [0.6] * N, "text": texts,
               "probabilities": chances.tolist(), "choices": [choices] * N}  # fmt: skip
    classes = ("1", "2", "3")
    return columns, Judged(gold, guess, chances, classes), classes, Tuned(), "accuracy"


def _rankings(texts: list[str], labels: tuple[str, ...]) -> Made:
    gold, guess = np.empty(N, object), np.empty(N, object)
    gold[:] = [frozenset({k}) for k in range(N)]
    guess[:] = [tuple((k + j) % N for j in range(k % 3, N)) for k in range(N)]
    columns = {"label": [1.0] * N, "prediction": [0.5] * N, "found": [[t] for t in texts], "text": texts,
               "text_pair": texts[::-1], "right": [sorted(g) for g in gold],
               "ranked": [list(g) for g in guess]}  # fmt: skip
    return columns, Judged(gold, guess, None, ()), (), Tuned(), "ndcg_at_10"


MAKERS: dict[str, Callable[[list[str], tuple[str, ...]], Made]] = {
    "regression": _values, "multi_label": _labels, "token_classification": _spans, "question_answering": _answers,
    "multiple_choice": _choices, "similarity": _values, "retrieval": _rankings, "reranking": _rankings,
}  # fmt: skip
