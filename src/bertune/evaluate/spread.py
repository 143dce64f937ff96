"""How far a model's answers move with the text: next to nothing in a collapsed model."""

import numpy as np

from bertune.base.types import Floats

FEWEST_ROWS = 8  # of so few rows all may say the same


def spread(logits: Floats) -> float | None:
    """Largest standard deviation of a logit over the rows of [rows, outputs]; None where that says nothing.

    Where there are several outputs, each row's mean is taken off first, as softmax does not see it. It says nothing of
    fewer than FEWEST_ROWS rows, and of logits that are not finite.
    """
    if len(logits) < FEWEST_ROWS or not np.isfinite(logits).all():
        return None
    values = np.asarray(logits, dtype=np.float64).reshape(len(logits), -1)
    if values.shape[1] > 1:
        values = values - values.mean(1, keepdims=True)
    return float(values.std(0).max())
