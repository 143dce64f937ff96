"""Scores with their intervals, and the tables behind them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bertune.base import registry
from bertune.base.types import Ints, Judged, Score
from bertune.evaluate.intervals import class_intervals, interval


def score(judged: Judged, metrics: Sequence[str], resamples: int, seed: int) -> dict[str, Score]:
    """Each metric by its registered name, with its 95 % interval.

    Raises BertuneError for a name that is no metric.
    """
    return {name: interval(registry.load("metrics", name)(), judged, resamples, seed) for name in metrics}


def confusion(judged: Judged) -> Ints:
    """Rows by [gold, guess]: whole numbers [classes, classes]."""
    classes = len(judged.classes)
    gold, guess = np.asarray(judged.gold, dtype=np.int64), np.asarray(judged.guess, dtype=np.int64)
    return np.bincount(gold * classes + guess, minlength=classes * classes).reshape(classes, classes)


def per_class(judged: Judged, resamples: int = 0, seed: int = 0) -> list[dict[str, Any]]:
    """One entry a class: class, precision, recall, f1 (0 where nothing was to be found), n (rows of gold).

    With `resamples` also low and high, the 95 % interval of f1.
    """
    table = confusion(judged)
    spans = class_intervals(judged, resamples, seed) if resamples else []
    entries = []
    for k, name in enumerate(judged.classes):
        right, n, guessed = int(table[k, k]), int(table[k].sum()), int(table[:, k].sum())
        span = {"low": spans[k].low, "high": spans[k].high} if spans else {}
        entries.append(class_entry(name, right, n, guessed) | span)
    return entries


def class_entry(name: str, right: int, gold: int, guessed: int) -> dict[str, Any]:
    """class, precision, recall, f1 (0 where nothing was to be found) and n, the rows (or spans) of gold."""
    return {
        "class": name,
        "precision": right / guessed if guessed else 0.0,
        "recall": right / gold if gold else 0.0,
        "f1": 2 * right / (gold + guessed) if gold + guessed else 0.0,
        "n": gold,
    }


def worst_pairs(judged: Judged, most: int = 20) -> list[dict[str, Any]]:
    """The commonest confusions, most rows first: gold, guess, n, and the share of gold's rows that went astray so."""
    table = confusion(judged)
    wrong = table - np.diag(np.diag(table))
    gold, guess = np.nonzero(wrong)
    order = np.lexsort((guess, gold, -wrong[gold, guess]))[:most]
    return [
        {
            "gold": judged.classes[int(gold[i])],
            "guess": judged.classes[int(guess[i])],
            "n": int(wrong[gold[i], guess[i]]),
            "share": float(wrong[gold[i], guess[i]] / table[gold[i]].sum()),
        }
        for i in order
    ]
