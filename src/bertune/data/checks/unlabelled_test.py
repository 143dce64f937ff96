"""Validation or test rows without labels."""

from collections.abc import Iterator

import numpy as np

from bertune.base.types import SPLITS, Finding, View
from bertune.data.checks._rows import quoted
from bertune.data.labels import unanswered


class UnlabelledTest:
    """A validation or test set without a single label, or with a place holder for all of them."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning: rows of the training file stand in for them."""
        if view.labels is None:
            return
        training = [view.labels[i] for i in view.splits.train.tolist()]
        if all(label is None for label in training):
            return
        for name in ("valid", "test"):
            rows = np.flatnonzero(view.table.given == SPLITS.index(name))
            told = [view.labels[i] for i in rows.tolist()]
            if not len(rows) or not unanswered(told, training):
                continue
            same = next((label for label in told if label is not None), None)
            words = "" if same is None else f" (all say {quoted([same])})"
            yield Finding(
                f"unlabelled_{name}",
                "warning",
                f"none of the {len(rows):,} rows of {name} has a label{words}; others are split off the training rows",
                "bertune predict answers rows without labels; for a score from these, give their labels",
                view.places(rows.tolist()),
                len(rows),
            )
