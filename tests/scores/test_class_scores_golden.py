"""Intervals, differences and chances of the metrics of classes are those of the first release, to the last digits."""

import json
from pathlib import Path

import numpy as np
import pytest

from bertune.base import registry
from bertune.base.types import Judged
from bertune.evaluate.exchange import chance_of
from bertune.evaluate.intervals import class_intervals, difference, interval
from bertune.evaluate.slices import chances_below

# Made on 5afbb99, before metrics of other kinds were resampled.
GOLDEN = json.loads((Path(__file__).parent / "golden_class_scores.json").read_text(encoding="utf-8"))


def world(classes: int, turn: int) -> Judged:
    """96 rows without a random number in them; `turn` gives other answers to the same rows."""
    rows, every = np.arange(96), np.arange(classes)
    gold = rows * rows * 7 // 5 % classes
    given = 1.0 + (rows[:, None] * (17 + turn) + every * 29) % 101 + 60.0 * (gold[:, None] == every)
    given /= given.sum(axis=1, keepdims=True)
    return Judged(gold, given.argmax(axis=1), given, tuple(map(str, every)))


def plain(judged: Judged) -> float:
    """A metric without a base class: it is computed anew for each resample."""
    return float(np.mean(judged.gold == judged.guess))


def figures(name: str, classes: int) -> list[float]:
    """All that resampling, exchanging and dealing give for one metric."""
    part = plain if name == "plain" else registry.load("metrics", name)()
    a, b = world(classes, 0), world(classes, 8)
    scores = [interval(part, a, 300, 4), difference(part, a, b, 300, 5)]
    if name == "macro_f1":
        scores += class_intervals(a, 300, 6)
    told = [value for s in scores for value in (s.value, s.low, s.high)]
    return [*told, chance_of(part, a, b, 300, 1), *chances_below(part, a, np.arange(96) % 3, 200, 2)]


@pytest.mark.parametrize("key", GOLDEN)
def test_nothing_has_changed(key: str) -> None:
    name, classes = key.split()
    assert figures(name, int(classes)) == pytest.approx(GOLDEN[key], rel=1e-12, abs=1e-12)
