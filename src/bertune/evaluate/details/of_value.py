"""The tables beside the scores of numbers."""

from typing import Any

import numpy as np

from bertune.base.types import Judged, Tuned

POINTS = 500  # of the scatter plot
BANDS = 5


class OfValue:
    """Gold and answer of some rows, and how far answers lie off in each fifth of the scale."""

    def __init__(self) -> None:
        pass

    def __call__(
        self, judged: Judged, before: Judged | None, tuned: Tuned, resamples: int, seed: int
    ) -> dict[str, Any]:
        """values: points [[gold, answer]], and bands of low, high, n, mean error and mean absolute error."""
        gold, guess = np.asarray(judged.gold, np.float64), np.asarray(judged.guess, np.float64)
        some = np.unique(np.linspace(0, len(gold) - 1, min(len(gold), POINTS)).astype(int))
        points = np.round(np.column_stack([gold[some], guess[some]]), 4).tolist()
        edges = np.unique(np.quantile(gold, np.linspace(0, 1, BANDS + 1)))
        place = np.clip(np.searchsorted(edges, gold, side="right") - 1, 0, max(len(edges) - 2, 0))
        bands = []
        for band in range(max(len(edges) - 1, 1)):
            off = (guess - gold)[place == band]
            if len(off):
                high = float(edges[min(band + 1, len(edges) - 1)])
                bands.append({"low": float(edges[band]), "high": high, "n": len(off), "error": float(off.mean()),
                              "absolute_error": float(np.abs(off).mean())})  # fmt: skip
        return {"values": {"points": points, "bands": bands}}
