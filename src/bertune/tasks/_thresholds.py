"""From which probability each of several labels is given."""

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Floats

FEW = 10  # rows of a label below which its threshold is drawn towards the common one


def best_thresholds(probabilities: Floats, gold: NDArray[np.bool_]) -> Floats:
    """The threshold [labels] with the best F1 of each label; probabilities and gold are [rows, labels].

    A label with few rows says little about its threshold: its logarithmic odds are averaged with those of the threshold
    that is best for all labels together, weighing as rows to FEW. Must see validation rows alone.
    Source: Lipton, Elkan and Naryanaswamy (2014), Optimal thresholding of classifiers to maximize F1.
    """
    common = _best(probabilities.reshape(-1), gold.reshape(-1))
    found = np.full(gold.shape[1], common)
    for k in range(gold.shape[1]):
        rows = int(gold[:, k].sum())
        if rows:
            own = _best(probabilities[:, k], gold[:, k])
            share = rows / (rows + FEW)
            found[k] = _chance(share * _odds(own) + (1 - share) * _odds(common))
    return found


def _best(probabilities: Floats, gold: NDArray[np.bool_]) -> float:
    """The threshold with the best F1, halfway between two probabilities that occur; 0.5 where nothing is gold."""
    if not gold.any():
        return 0.5
    order = np.argsort(-probabilities, kind="stable")
    ranked, hits = probabilities[order], np.cumsum(gold[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + hits[-1])
    last = np.append(ranked[1:] < ranked[:-1], True)  # rows of equal probability are given together
    best = int(np.argmax(np.where(last, f1, -1.0)))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def _odds(chance: float) -> float:
    kept = min(max(chance, 1e-6), 1 - 1e-6)
    return float(np.log(kept / (1 - kept)))


def _chance(odds: float) -> float:
    return float(1 / (1 + np.exp(-odds)))
