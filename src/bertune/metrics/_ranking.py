"""How well scores rank the rows of a class above the others, ties included."""

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._probabilities import probabilities


def columns(judged: Judged) -> list[tuple[Floats, Floats]]:
    """(scores[rows], 1.0 where the row is of the class) for the second of two classes, or for every class of more."""
    given = probabilities(judged)
    gold = np.asarray(judged.gold, dtype=np.int64)
    asked = [1] if given.shape[1] == 2 else range(given.shape[1])
    return [(given[:, k], (gold == k).astype(np.float64)) for k in asked]


def stairs(scores: Floats, positive: Floats) -> tuple[Floats, Floats]:
    """(positives, others) at or above each distinct score, from the highest score down."""
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(positive[order])
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    return hits[last], last + 1.0 - hits[last]
