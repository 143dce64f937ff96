"""Texts that an export cut off."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Lt

from bertune.base.types import Finding, Ints, View
from bertune.base.wording import percent
from bertune.data.checks._rows import rows_of

_ENDS = tuple(".!?…。！？\"'”’)）]】~")


class CutTexts:
    """Many texts of exactly the greatest length, most of which end in the middle of a sentence.

    `least` is the length from which a cut is looked for, `rows` and `share` how many texts must have that length.
    """

    def __init__(
        self,
        *,
        least: Annotated[int, Ge(10)] = 40,
        rows: Annotated[int, Ge(2)] = 5,
        share: Annotated[float, Gt(0), Lt(1)] = 0.005,
    ) -> None:
        self.least, self.rows, self.share = least, rows, share

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning for each file, with the rows."""
        sizes = np.fromiter((len(text or "") for text in view.texts), np.int64)
        for file in np.unique(view.table.file).tolist():
            yield from self._file(view, sizes, np.flatnonzero(view.table.file == file))

    def _file(self, view: View, sizes: Ints, own: Ints) -> Iterator[Finding]:
        longest = int(sizes[own].max(initial=0))
        at = own[sizes[own] == longest]
        if longest < self.least or len(at) < max(self.rows, self.share * len(own)):
            return
        # Texts that grow to a length by themselves thin out towards it; a cut piles them up at it.
        just_below = np.count_nonzero((sizes[own] < longest) & (sizes[own] >= longest - max(3, longest // 50)))
        if len(at) < just_below:
            return
        open_end = [i for i in at.tolist() if not (view.texts[i] or "").rstrip().endswith(_ENDS)]
        if 2 * len(open_end) >= len(at):
            yield Finding(
                "cut_texts",
                "warning",
                f"{rows_of(len(at))} ({percent(len(at) / len(own))}) of exactly {longest:,} characters, the most of "
                "any: an export cut them off",
                "export the column again without a limit on its length",
                view.places(at),
                len(at),
            )
