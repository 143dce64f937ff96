"""Labels that stand a row too high or too low."""

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from bertune.base.types import Finding, Floats, Ints, View
from bertune.data.checks._bags import bags, guesses, log_shares
from bertune.data.checks._rows import has_classes, labelled, rows_of

_SAMPLE = 6000  # rows in the order of the file, looked at from its beginning
_BLOCK = 100  # rows that are judged together
_CLASSES = 100
_ERRORS = 3.0  # standard errors beyond one half from which a block counts as moved


class ShiftedLabels:
    """Rows whose label fits the text of the row above or below better than their own, block after block of a file.

    A classifier that learned from other blocks is asked, of each row whose neighbour has another label, which of the
    two labels fits. `rows` is the fewest rows that are looked at, `differing` the fewest such rows of a block.
    """

    def __init__(self, *, rows: Annotated[int, Ge(100)] = 200, differing: Annotated[int, Ge(10)] = 15) -> None:
        self.rows, self.differing = rows, differing

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error with the rows of the blocks."""
        if not has_classes(view):
            return
        known = [(i, label) for i, label in labelled(view, np.arange(len(view.texts))) if view.texts[i] is not None]
        known = known[:_SAMPLE]
        classes = sorted({label for _, label in known})
        if len(known) < self.rows or not 2 <= len(classes) <= _CLASSES:
            return
        number = {name: k for k, name in enumerate(classes)}
        at, targets = np.array([i for i, _ in known]), np.array([number[label] for _, label in known])
        rows = bags([view.texts[i] or "" for i in at.tolist()])
        found = at[self._moved(rows, targets, len(classes))]
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

    def _moved(self, rows: Any, targets: Ints, classes: int) -> NDArray[np.bool_]:
        """Which rows stand in blocks whose labels are moved."""
        block = np.arange(len(targets)) // _BLOCK
        # Whichever way most labels stand, the classifier must have learned from texts with their own labels.
        odds = max(
            (_odds(rows, np.roll(targets, way), block, classes) for way in (0, 1, -1)), key=lambda found: found[0]
        )[1]
        moved = np.zeros(len(targets), dtype=bool)
        own = odds[np.arange(len(targets)), targets]
        for way in (1, -1):
            beside = np.roll(targets, way)
            differ = beside != targets
            differ[[0, -1]] = False  # what was rolled in from the other end is no neighbour
            better = differ & (odds[np.arange(len(targets)), beside] > own)
            n, hits = (
                np.bincount(block[differ], minlength=block[-1] + 1),
                np.bincount(block[better], minlength=block[-1] + 1),
            )
            moved |= ((n >= self.differing) & (hits - n / 2 > _ERRORS * np.sqrt(n) / 2))[block]
        return moved


def _odds(rows: Any, targets: Ints, block: Ints, classes: int) -> tuple[float, Floats]:
    """How well the words tell these targets (balanced accuracy), and log odds [rows, classes] from other blocks."""
    odds = np.zeros((len(targets), classes))
    for fold in (0, 1):
        own = block % 2 == fold
        words, _ = log_shares(rows[~own], targets[~own], classes)
        odds[own] = guesses(rows[own], (words, np.zeros(classes)))
    right = odds.argmax(axis=1) == targets
    sizes = np.bincount(targets, minlength=classes)
    return float((np.bincount(targets[right], minlength=classes) / np.maximum(sizes, 1)).mean()), odds
