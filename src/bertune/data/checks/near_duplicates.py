"""Texts that nearly repeat another in a split."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from bertune.base.types import Finding, View
from bertune.base.wording import percent
from bertune.data.checks._rows import clusters, flat, rows_of


class NearDuplicates:
    """Rows whose text differs from another of their split in a word, in case or in punctuation only."""

    def __init__(self, *, most: Annotated[float, Ge(0), Le(1)] = 0.05) -> None:
        self.most = most

    def __call__(self, view: View) -> Iterator[Finding]:
        """A note with the rows, group after group; a warning above the share `most` of a split."""
        for name, positions in view.splits.named():
            groups = [g for g in clusters(view.near, positions) if len(np.unique(view.exact[g])) > 1]
            extra = sum(len(np.unique(view.exact[g])) - 1 for g in groups)
            if extra:
                share = extra / len(positions)
                yield Finding(
                    "near_duplicates",
                    "warning" if share > self.most else "note",
                    f"{rows_of(extra)} of {name} ({percent(share)}) nearly repeat{'s' if extra == 1 else ''} the "
                    "text of another row",
                    "kept together when splitting; look at the rows: one of a group may be enough"
                    if view.split_made_by_bertune
                    else "look at the rows: one of a group may be enough",
                    view.places(flat(groups)),
                    extra,
                )
