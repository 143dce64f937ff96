"""How far answers lie from the borders of their decisions: by how much every number may change until one is another."""

from typing import Any

import numpy as np
from scipy.special import logit

from bertune.base.types import Floats


def of_classes(logits: Floats, threshold: float | None = None) -> Floats:
    """Half of the way to the next best class of each row; of two classes, to the probability `threshold`."""
    if threshold is not None and logits.shape[1] == 2:
        return np.asarray(np.abs(logits[:, 1] - logits[:, 0] - logit(threshold)) / 2)
    best = np.partition(logits, -2, axis=1)[:, -2:]
    return np.asarray((best[:, 1] - best[:, 0]) / 2)


def of_labels(logits: Floats, thresholds: Any) -> Floats:
    """The way of each row's nearest label to the probability from which it is given."""
    return np.asarray(np.abs(logits - logit(np.asarray(thresholds, np.float64))).min(axis=1))


def of_grades(values: Floats, bounds: Any) -> Floats:
    """The way of each value to the nearest bound between two grades."""
    ways = np.abs(values[:, None] - np.asarray(bounds, np.float64))
    return np.asarray(ways.min(axis=1, initial=np.inf))
