"""How well scores rank the rows of a class above the others, ties included."""

from dataclasses import dataclass

import numpy as np

from bertune.base.types import Floats, Ints, Judged
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


def ranked(judged: Judged) -> list[Ranked]:
    """The ranking for the second of two classes, or for every class of more."""
    given = probabilities(judged)
    gold = np.asarray(judged.gold, dtype=np.int64)
    asked = [1] if given.shape[1] == 2 else range(given.shape[1])
    found = []
    for k in asked:
        order = np.argsort(-given[:, k], kind="stable")
        last = np.append(np.flatnonzero(np.diff(given[order, k])), len(order) - 1)
        found.append(Ranked(order, (gold[order] == k).astype(np.float64), last))
    return found
