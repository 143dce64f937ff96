"""Labels that stand a row too high or too low."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt

from bertune.base.types import Finding, Ints, View
from bertune.data.checks._bags import bags, guesses, log_shares
from bertune.data.checks._rows import has_classes, labelled, rows_of

_SAMPLE = 6000  # rows in the order of the file, looked at from its beginning
_BLOCK = 100  # rows that are judged together
_CLASSES = 100


class ShiftedLabels:
    """Rows whose label fits the text of the row above or below better than their own, block after block of a file.

    In each block of 100 rows a classifier that learned from the other blocks answers; `gain` is how many more of the
    answers must be right when the labels are moved by one row, `rows` the fewest rows that are looked at.
    """

    def __init__(self, *, gain: Annotated[float, Gt(0.05), Lt(1)] = 0.15, rows: Annotated[int, Ge(100)] = 200) -> None:
        self.gain, self.rows = gain, rows

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error with the rows of the blocks."""
        if not has_classes(view):
            return
        known = [(i, label) for i, label in labelled(view, np.arange(len(view.texts))) if view.texts[i] is not None]
        known = known[:_SAMPLE]
        classes = sorted({label for _, label in known})
        if len(known) < self.rows or not 2 <= len(classes) <= _CLASSES:
            return
        at = np.array([i for i, _ in known])
        number = {name: k for k, name in enumerate(classes)}
        targets = np.array([number[label] for _, label in known])
        found = self._shifted(view, at, targets, len(classes))
        if len(found):
            yield Finding(
                "shifted_labels",
                "error",
                f"{rows_of(len(found))} in blocks where the label of the row above or below fits the text better: a "
                "cell is missing or doubled in one of the columns",
                "compare the first of these rows with the source and move the column back into place",
                view.places(found),
                len(found),
            )

    def _shifted(self, view: View, at: Ints, targets: Ints, classes: int) -> Ints:
        rows = bags([view.texts[i] or "" for i in at.tolist()])
        block = np.arange(len(at)) // _BLOCK
        inner = np.arange(1, len(at) - 1)
        # Whichever way the labels stand, the classifier must learn from texts with their own labels.
        best: dict[int, Ints] = {}
        for learnt in (0, 1, -1):
            moved = np.roll(targets, learnt)
            answers = np.empty(len(at), dtype=np.int64)
            for fold in (0, 1):
                own = block % 2 == fold
                learned = log_shares(rows[~own], moved[~own], classes)
                answers[own] = guesses(rows[own], learned).argmax(axis=1)
            best[learnt] = answers
        right = {s: (best[s] == np.roll(targets, s))[inner].mean() for s in best}
        way = max(right, key=lambda s: (right[s] - (0.0 if s == 0 else self.gain), -abs(s)))
        if way:
            return at  # the whole file
        fits = {s: np.bincount(block[inner], best[0][inner] == np.roll(targets, s)[inner]) for s in (0, 1, -1)}
        sizes = np.bincount(block[inner])
        chance = right[0] - 3 * np.sqrt(0.25 / _BLOCK)  # a block that merely is hard is not shifted
        share = {s: fits[s] / np.maximum(sizes, 1) for s in fits}
        moved_blocks = (np.maximum(share[1], share[-1]) > share[0] + 2 * self.gain) & (share[0] < chance)
        return at[np.isin(block, np.flatnonzero(moved_blocks & (sizes >= _BLOCK // 2)))]
