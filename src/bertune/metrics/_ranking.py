"""How well scores rank the rows of a class above the others, ties included."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Floats, Ints, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._probabilities import probabilities


@dataclass(frozen=True, eq=False)
class Ranked:
    """Rows in falling order of one class's score: `order`, which are of the class, and the last row of each score."""

    order: Ints
    positive: Floats
    last: Ints

    def stairs(self, weights: Floats) -> tuple[Floats, Floats]:
        """(weight of positives, weight of others) at or above each distinct score, from the highest down."""
        ordered = weights[self.order]
        hits = np.cumsum(self.positive * ordered)[self.last]
        return hits, np.cumsum(ordered)[self.last] - hits


def ranking(scores: Floats, of_class: NDArray[np.bool_]) -> Ranked:
    """The rows in falling order of a class's scores [rows]; `of_class` [rows] says which are of the class."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    return Ranked(order, of_class[order].astype(np.float64), last)


def ranked(judged: Judged) -> list[Ranked]:
    """The ranking for the second of two classes, or for every class of more."""
    given = probabilities(judged)
    gold = np.asarray(judged.gold, dtype=np.int64)
    asked = [1] if given.shape[1] == 2 else range(given.shape[1])
    return [ranking(given[:, k], gold == k) for k in asked]


def mean_precision(rankings: Sequence[Ranked], weights: Floats) -> float:
    """Average precision of rows weighted by `weights` [rows]: its mean over the rankings that have a row to be found.

    0 where there is none.
    """
    values = [value for r in rankings if (value := _precision(r, weights)) is not None]
    return float(np.mean(values)) if values else 0.0


def _precision(ranking: Ranked, weights: Floats) -> float | None:
    hits, others = ranking.stairs(weights)
    if hits[-1] == 0:
        return None
    recall = np.append(0.0, hits / hits[-1])
    return float(-np.sum(np.diff(recall[::-1]) * ratio(hits, hits + others)[::-1]))
