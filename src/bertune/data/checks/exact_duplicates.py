"""Texts that occur more than once in a split."""

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge, Le

from bertune.base.types import Finding, View
from bertune.base.wording import percent
from bertune.data.checks._rows import clusters, flat, rows_of


class ExactDuplicates:
    """Rows that repeat the text of another row of their split, apart from case and white space."""

    def __init__(self, *, most: Annotated[float, Ge(0), Le(1)] = 0.05) -> None:
        self.most = most

    def __call__(self, view: View) -> Iterator[Finding]:
        """A note with the rows, repetition after repetition; a warning above the share `most` of a split."""
        for name, positions in view.splits.named():
            groups = clusters(view.exact, positions)
            extra = sum(len(group) - 1 for group in groups)
            if extra:
                share = extra / len(positions)
                yield Finding(
                    "exact_duplicates",
                    "warning" if share > self.most else "note",
                    f"{rows_of(extra)} of {name} ({percent(share)}) repeat{'s' if extra == 1 else ''} the text of "
                    "another row",
                    "kept together when splitting; delete the repetitions if they are an accident of the source"
                    if view.split_made_by_bertune
                    else "delete the repetitions if they are an accident of the source",
                    view.places(flat(groups)),
                    extra,
                )
