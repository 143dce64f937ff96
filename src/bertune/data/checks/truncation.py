"""Texts longer than the model is given."""

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le

from bertune.base.types import Finding, View
from bertune.base.wording import percent
from bertune.data.truncation import ledger


class Truncation:
    """Texts that are cut at the chosen length, split by split."""

    def __init__(self, *, most: Annotated[float, Ge(0), Le(1)] = 0.05) -> None:
        self.most = most

    def __call__(self, view: View) -> Iterator[Finding]:
        """A note with the rows that are cut; a warning above the share `most` of a split."""
        if view.lengths is None or view.max_length is None:
            return
        for name, positions in view.splits.named():
            lost = np.maximum(view.lengths - view.max_length, 0) if view.lost is None else view.lost
            book = ledger(view.lengths[positions], view.max_length, lost[positions])
            if book.rows_cut:
                cut = positions[lost[positions] > 0]
                texts = f"{book.rows_cut:,} text{'' if book.rows_cut == 1 else 's'}"
                yield Finding(
                    "truncation",
                    "warning" if book.share_rows_cut > self.most else "note",
                    f"{view.max_length:,} tokens cut {texts} of {name} ({percent(book.share_rows_cut)}) and "
                    f"{percent(book.share_tokens_cut)} of its tokens",
                    f"{book.length_that_cuts_none:,} would cut none, if the model reads that many: "
                    f"--set model.max_length={book.length_that_cuts_none}",
                    view.places(cut),
                    book.rows_cut,
                )
