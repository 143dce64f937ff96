"""Numbers read as whole grades: where one grade ends and the next begins."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics.quadratic_weighted_kappa import QuadraticWeightedKappa


def learned_cuts(values: Floats, gold: Floats) -> dict[str, Any]:
    """The lowest grade and the bounds between grades: at the halves, or so that grades come as often as in gold.

    The bounds whose grades agree better with gold by quadratic weighted kappa, on the rows given, are taken.
    """
    low, high = int(np.floor(gold.min() + 0.5)), int(np.floor(gold.max() + 0.5))
    halves = np.arange(low, high) + 0.5
    shares = np.searchsorted(np.sort(gold), halves) / len(gold)
    as_often = np.quantile(values, shares) if len(halves) else halves
    kappa = QuadraticWeightedKappa()
    best = max((halves, as_often), key=lambda cuts: kappa(Judged(gold, rounded(values, _cuts(low, cuts)), None, ())))
    return _cuts(low, best)


def _cuts(low: int, bounds: Any) -> dict[str, Any]:
    return {"lowest": low, "bounds": np.asarray(bounds, dtype=np.float64).tolist()}


def rounded(values: Floats, cuts: Mapping[str, Any]) -> Floats:
    """The grade of each value."""
    grades = cuts["lowest"] + np.searchsorted(np.array(cuts["bounds"], dtype=np.float64), values, side="right")
    return np.asarray(grades, dtype=np.float64)
