"""Judgings of every kind of metric: ordinary rows, perfect answers to them, and rows that are dull in every way."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from bertune.base.types import Judged

CLASSES = ("a", "b", "c")
Random = np.random.Generator


def objects(values: Iterable[Any]) -> np.ndarray:
    """An array of Python objects, one a row."""
    held = list(values)
    return np.fromiter(held, dtype=object, count=len(held))


def _class(random: Random, rows: int) -> Judged:
    chances = random.dirichlet(np.ones(3), rows)
    return Judged(random.integers(0, 3, rows), chances.argmax(axis=1), chances, CLASSES)


def _value(random: Random, rows: int) -> Judged:
    gold = np.round(random.normal(3, 1.5, rows), 1)  # some are equal
    return Judged(gold, np.round(gold + random.normal(0, 1, rows), 1), None, ())


def _labels(random: Random, rows: int) -> Judged:
    gold = random.random((rows, 3)) < 0.4
    chances = np.round(np.clip(0.35 + 0.3 * gold + random.normal(0, 0.2, (rows, 3)), 0.01, 0.99), 2)
    return Judged(gold, chances >= 0.5, chances, CLASSES)


def _ranking(random: Random, rows: int) -> Judged:
    names = np.array([f"page {k}" for k in range(15)])
    wanted = [frozenset(random.choice(names, random.integers(1, 4), replace=False).tolist()) for _ in range(rows)]

    def ranked(of: frozenset[str]) -> tuple[str, ...]:
        scores = random.random(15) + 0.4 * np.array([name in of for name in names.tolist()])
        return tuple(names[np.argsort(-scores)].tolist())

    return Judged(objects(wanted), objects(map(ranked, wanted)), None, ())


def _spans(random: Random, rows: int) -> Judged:
    def marked(of: Any) -> tuple[tuple[int, int, str], ...]:
        return tuple((int(s), int(s) + 2, CLASSES[k]) for s, k in of)

    drawn = [[(s, random.integers(0, 3)) for s in range(0, 12, 3) if random.random() < 0.6] for _ in range(rows)]
    kept = [[(s, k if random.random() < 0.8 else (k + 1) % 3) for s, k in r if random.random() < 0.8] for r in drawn]
    return Judged(objects(map(marked, drawn)), objects(map(marked, kept)), None, CLASSES)


def _answer(random: Random, rows: int) -> Judged:
    texts = ("Rome", "the city of Rome", "in 1905", "about 1905", "北京大学", "北京")
    gold = [tuple(random.choice(texts, random.integers(0, 3), replace=False).tolist()) for _ in range(rows)]
    guess = [g[0] if g and random.random() < 0.5 else str(random.choice(("", *texts))) for g in gold]
    return Judged(objects(gold), objects(guess), None, ())


SPECIMENS: dict[str, Callable[[Random, int], Judged]] = {
    "class": _class, "value": _value, "labels": _labels, "ranking": _ranking, "spans": _spans, "answer": _answer,
}  # fmt: skip


def perfect(kind: str, judged: Judged) -> Judged:
    """The same rows with the gold as guess, and certain of it."""
    if kind == "class":
        return replace(judged, guess=judged.gold, probabilities=np.eye(len(judged.classes))[judged.gold])
    if kind == "labels":
        return replace(judged, guess=judged.gold, probabilities=judged.gold.astype(np.float64))
    if kind == "ranking":
        return replace(judged, guess=objects(tuple(sorted(g)) for g in judged.gold))
    if kind == "answer":
        return replace(judged, guess=objects(g[0] if g else "" for g in judged.gold))
    return replace(judged, guess=judged.gold)


def dull(kind: str) -> list[Judged]:
    """Rows of which there is little to say: all alike, nothing to be found, nothing found."""
    rows = 7
    pairs: dict[str, list[tuple[Any, Any]]] = {
        "class": [(0, 0), (0, 1), (2, 2)],
        "value": [(0.1, 0.1), (0.1, 0.3), (3.0, -2.0)],
        "labels": [([False] * 3, [False] * 3), ([True] * 3, [True] * 3), ([False] * 3, [True] * 3)],
        "ranking": [(frozenset("a"), ()), (frozenset(), ("a", "b")), (frozenset(), ()), (frozenset("a"), ("b",))],
        "spans": [((), ()), (((0, 1, "a"),), ()), ((), ((0, 1, "a"),))],
        "answer": [((), ""), (("Rome",), ""), ((), "Rome"), (("the",), "a")],
    }

    def column(values: list[Any]) -> np.ndarray:
        return np.array(values) if kind in ("class", "value", "labels") else objects(values)

    chances = {"class": np.array([0.0, 1.0, 0.0]), "labels": np.array([0.0, 1.0, 0.5])}.get(kind)
    given = None if chances is None else np.tile(chances, (rows, 1))
    found = [Judged(column([g] * rows), column([q] * rows), given, CLASSES) for g, q in pairs[kind]]
    ordinary = SPECIMENS[kind](np.random.default_rng(1), rows)
    # One side constant, and single rows.
    found += [replace(ordinary, guess=found[0].guess), replace(ordinary, gold=found[-1].gold)]
    return found + [j.take(np.arange(1)) for j in (*found, ordinary)]
