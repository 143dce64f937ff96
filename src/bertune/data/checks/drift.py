"""Splits that come from different places."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from bertune.base.types import Finding, Ints, View
from bertune.base.wording import percent
from bertune.data.checks._bags import bags, guesses, log_shares
from bertune.data.checks._rows import has_classes

_SAMPLE = 2000  # rows of each split
_FEWEST = 100


class Drift:
    """Texts, or shares of the classes, that tell a given valid or test set from the training rows.

    A classifier guesses from the words alone which split a text is from; `note` and `warn` are shares of pairs of texts
    that it tells apart (0.5 is chance). `classes` is how many rows of a hundred must be of another class.
    """

    def __init__(
        self,
        *,
        note: Annotated[float, Gt(0.5), Lt(1)] = 0.65,
        warn: Annotated[float, Gt(0.5), Lt(1)] = 0.8,
        classes: Annotated[float, Gt(0), Lt(1)] = 0.15,
    ) -> None:
        self.note, self.warn, self.classes = note, warn, classes

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning or note for each given split that is not like the training rows."""
        for name in ("valid", "test"):
            positions = getattr(view.splits, name)
            given = positions[view.table.given[positions] >= 0]
            if len(given) >= _FEWEST and len(view.splits.train) >= _FEWEST:
                yield from self._texts(view, name, given)
                yield from self._shares(view, name, given)

    def _texts(self, view: View, name: str, given: Ints) -> Iterator[Finding]:
        told = _told_apart(view, _some(view, view.splits.train), _some(view, given))
        if told >= self.note:
            yield Finding(
                "drift",
                "warning" if told >= self.warn else "note",
                f"from its words alone a text of {name} is told from a training text {percent(told)} of the time "
                "(50 % is chance): another source, time or form",
                "if new texts will be like the training rows, draw the split from them; if they will be like "
                f"{name}, add such rows to the training",
                count=len(given),
            )

    def _shares(self, view: View, name: str, given: Ints) -> Iterator[Finding]:
        if not has_classes(view) or view.labels is None:
            return
        shares = []
        names = sorted({label for label in view.labels if label is not None})
        number = {label: k for k, label in enumerate(names)}
        for positions in (view.splits.train, given):
            known = [number[label] for i in positions.tolist() if (label := view.labels[i]) is not None]
            shares.append((np.bincount(known, minlength=len(names)), len(known)))
        (one, m), (two, n) = shares
        if not m or not n:
            return
        apart = 0.5 * float(np.abs(one / m - two / n).sum())
        pooled = (one + two) / (m + n)
        usual = 0.4 * float(np.sqrt(pooled * (1 - pooled) * (1 / m + 1 / n)).sum())  # expected from chance alone
        if apart > self.classes and apart > 3 * usual:
            yield Finding(
                "class_drift",
                "note",
                f"the classes have other shares in {name} than in training: {percent(apart)} of its rows would have to "
                "be of another class",
                "accuracy then depends on the shares; read the scores of each class",
                count=len(given),
            )


def _some(view: View, positions: Ints) -> list[str]:
    """At most so many texts of a split, spread over it, one of each group of near duplicates."""
    _, first = np.unique(view.near[positions], return_index=True)
    kept = positions[np.sort(first)]
    kept = kept[:: max(1, len(kept) // _SAMPLE)][:_SAMPLE]
    return [text for i in kept.tolist() if (text := view.texts[i])]


def _told_apart(view: View, train: list[str], other: list[str]) -> float:
    """Share of pairs (training text, other text) that a cross-validated classifier puts in the right order."""
    size = min(len(train), len(other))
    if size < _FEWEST // 2:
        return 0.5
    one, two = (texts[:: max(1, len(texts) // size)][:size] for texts in (train, other))
    rows, targets = bags([*one, *two]), np.repeat([0, 1], [len(one), len(two)])
    fold, odds = np.arange(len(targets)) % 2, np.empty(len(targets))
    for own in (0, 1):
        learned = log_shares(rows[fold != own], targets[fold != own], 2)
        found = guesses(rows[fold == own], learned)
        odds[fold == own] = found[:, 1] - found[:, 0]
    order = np.argsort(np.argsort(odds, kind="stable"), kind="stable") + 1.0
    positive = int(targets.sum())
    # Mann and Whitney 1947: the area under the ROC curve from ranks.
    area = (order[targets == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(targets) - positive))
    return float(area)
