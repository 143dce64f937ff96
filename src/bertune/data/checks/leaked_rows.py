"""Rows of the valid or test set that are also learnt from."""

from collections.abc import Iterator

import numpy as np

from bertune.base.types import Finding, Ints, View
from bertune.data.checks._rows import rows_of
from bertune.data.duplicates import leaked


class LeakedRows:
    """Valid and test rows whose text, or nearly their text, is in an earlier split."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """Each leaked row followed by the row it repeats; an error when the split was given by files."""
        parts = (view.splits.train, view.splits.valid, view.splits.test)
        exact = leaked(view.exact, *parts)
        near = np.setdiff1d(leaked(view.near, *parts), exact)
        kinds = (("exact", exact, view.exact, "repeat"), ("near", near, view.near, "nearly repeat"))
        for kind, rows, numbers, verb in kinds:
            if not len(rows):
                continue
            given = not view.split_made_by_bertune or bool((view.table.given[rows] >= 0).any())
            names = view.splits.of_rows(len(view.texts))
            where = " and ".join(n for n in ("valid", "test") if any(names[i] == n for i in rows.tolist()))
            yield Finding(
                f"{kind}_duplicate_across_splits",
                "error" if given else "warning",
                f"{rows_of(len(rows))} of {where} {verb}{'s' if len(rows) == 1 else ''} the text of a row in an "
                "earlier split: the score is too good by these",
                "delete the listed rows from one of the files; the score is also given without them",
                view.places(_beside(rows, numbers, parts)),
                len(rows),
            )


def _beside(rows: Ints, numbers: Ints, parts: tuple[Ints, Ints, Ints]) -> list[int]:
    """Each leaked row followed by the first row of the earliest split that has its text."""
    first: dict[int, int] = {}
    for position in np.concatenate(parts).tolist():
        first.setdefault(int(numbers[position]), position)
    return [position for row in rows.tolist() for position in (row, first[int(numbers[row])])]
