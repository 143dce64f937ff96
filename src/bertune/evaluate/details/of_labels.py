"""The tables beside the scores of several labels a row."""

from typing import Any

import numpy as np

from bertune.base.types import Judged, Tuned
from bertune.evaluate.scores import class_entry


class OfLabels:
    """Precision, recall and F1 of each label, with the probability from which it is given."""

    def __init__(self) -> None:
        pass

    def __call__(
        self, judged: Judged, before: Judged | None, tuned: Tuned, resamples: int, seed: int
    ) -> dict[str, Any]:
        """per_class, and where thresholds were tuned `fixed_threshold`: macro-F1 as it is at 0.5 for every label."""
        gold, guess = np.asarray(judged.gold, bool), np.asarray(judged.guess, bool)
        found: dict[str, Any] = {"per_class": _entries(judged.classes, gold, guess, tuned)}
        if "thresholds" in tuned.more and judged.probabilities is not None:
            entries = _entries(judged.classes, gold, judged.probabilities >= 0.5, tuned)
            found["fixed_threshold"] = {"labels_macro_f1": float(np.mean([entry["f1"] for entry in entries]))}
        return found


def _entries(classes: tuple[str, ...], gold: Any, guess: Any, tuned: Tuned) -> list[dict[str, Any]]:
    thresholds = tuned.more.get("thresholds", [None] * len(classes))
    entries = []
    for k, name in enumerate(classes):
        right, n, guessed = int((gold[:, k] & guess[:, k]).sum()), int(gold[:, k].sum()), int(guess[:, k].sum())
        entry = class_entry(name, right, n, guessed)
        entries.append(entry | ({} if thresholds[k] is None else {"threshold": thresholds[k]}))
    return entries
