"""Rows and settings that the tests of the Python interface share."""

from typing import Any

import tiny_models

FAST: dict[str, Any] = {
    "training.epochs": 1,
    "training.seeds": 1,
    "training.threads": 1,
    "training.batch_size": 16,
    "training.precision": "fp32",
    "optimizer.learning_rate": 1e-4,
    "evaluation.early_stopping": False,
    "evaluation.per_epoch": 1,
    "evaluation.baselines": False,
    "evaluation.suspects": False,
}
MANY_VALID = {"data.split.valid_share": 0.25, "data.split.test_share": 0.05}  # enough rows for a temperature


def single_rows(rows: int, seed: int = 0) -> dict[str, list[str]]:
    """Texts whose label is in their words."""
    made = tiny_models.sentences(rows, seed)
    return {"text": [text for text, _ in made], "label": [label for _, label in made]}


def doubted(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """The rows with every sixth label turned over, so that no probability is nearly 0 or 1."""
    other = {"good": "bad", "bad": "good"}
    return {**rows, "label": [other[y] if i % 6 == 0 else y for i, y in enumerate(rows["label"])]}


def pair_rows(rows: int) -> dict[str, list[str]]:
    """Pairs whose label is in the words of the second text."""
    firsts, seconds = single_rows(rows, seed=1), single_rows(rows, seed=2)
    return {"sentence1": firsts["text"], "sentence2": seconds["text"], "label": seconds["label"]}
