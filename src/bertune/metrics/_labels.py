"""What the metrics of several labels a row share: gold and guess as truth values."""

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Judged

Truth = NDArray[np.bool_]


def labels(judged: Judged) -> tuple[Truth, Truth]:
    """Gold and guess, each [rows, classes]."""
    return np.asarray(judged.gold, dtype=bool), np.asarray(judged.guess, dtype=bool)
