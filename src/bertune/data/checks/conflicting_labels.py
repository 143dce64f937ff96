"""The same text under different labels."""

from collections.abc import Iterator

import numpy as np

from bertune.base.types import Finding, View
from bertune.data.checks._rows import clusters, flat, has_classes, labelled, rows_of


class ConflictingLabels:
    """Rows with the same text, apart from case and white space, and different labels."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning with the rows, text after text."""
        if not has_classes(view):
            return
        rows = dict(labelled(view, np.arange(len(view.texts))))
        positions = np.array([i for i in rows if view.texts[i] is not None], dtype=np.int64)
        groups = [g for g in clusters(view.exact, positions) if len({_plain(rows[i]) for i in g}) > 1]
        if groups:
            every = flat(groups)
            texts = f"{len(groups):,} text{'' if len(groups) == 1 else 's'}"
            yield Finding(
                "conflicting_labels",
                "warning",
                f"{texts} with more than one label ({rows_of(len(every))})",
                "decide on one label for each text; a text that truly has both needs another task",
                view.places(every),
                len(groups),
            )


def _plain(label: str) -> str:
    return " ".join(label.casefold().split())
