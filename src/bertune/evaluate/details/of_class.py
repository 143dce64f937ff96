"""The tables beside the scores of classes."""

from typing import Any

import numpy as np

from bertune.base import registry
from bertune.base.types import Floats, Judged, Tuned
from bertune.evaluate.scores import confusion, per_class
from bertune.metrics._calibration import reliability


class OfClass:
    """F1 of each class, who is taken for whom, and how far the probabilities can be believed."""

    def __init__(self) -> None:
        pass

    def __call__(
        self, judged: Judged, before: Judged | None, tuned: Tuned, resamples: int, seed: int
    ) -> dict[str, Any]:
        """per_class and confusion; and calibration, where `before`, the judging without the temperature, is given."""
        found: dict[str, Any] = {
            "per_class": per_class(judged, resamples, seed),
            "confusion": confusion(judged).tolist(),
        }
        if before is None or judged.probabilities is None or before.probabilities is None:
            return found
        return found | {
            "calibration": {
                "temperature": 1.0 / tuned.scale,
                "before": {"ece": _error(before), "bins": _bins(before.probabilities, before.gold)},
                "after": {"ece": _error(judged), "bins": _bins(judged.probabilities, judged.gold)},
            },
        }


def _error(judged: Judged) -> float:
    return float(registry.load("metrics", "calibration_error")()(judged))


def _bins(probabilities: Floats, gold: Any) -> list[dict[str, Any]]:
    return [b.as_json() for b in reliability(probabilities, np.asarray(gold))]
