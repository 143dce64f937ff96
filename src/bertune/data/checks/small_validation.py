"""A validation set that cannot guide training."""

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge

from bertune.base.types import Finding, View
from bertune.data.checks._rows import counts_of, has_classes, quoted, rows_of


class SmallValidation:
    """A validation set of one class, or of too few rows to tell two models apart."""

    def __init__(self, *, least: Annotated[int, Ge(1)] = 50) -> None:
        self.least = least

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error for one class, a warning below `least` rows; a note where the data allow no more."""
        counts = counts_of(view, view.splits.valid)
        rows, train = len(view.splits.valid), len(view.splits.train)
        if has_classes(view) and len(counts) == 1 and len(counts_of(view, view.splits.train)) > 1:
            yield Finding(
                "one_class_validation",
                "warning",
                f"all {rows_of(counts.total())} of the validation set have the label {quoted(counts)}",
                "early stopping sees one class only; give rows of every class: --valid FILE",
                count=counts.total(),
            )
        elif train and rows < self.least:
            could_be_more = not view.split_made_by_bertune or rows < 0.05 * train
            yield Finding(
                "small_validation",
                "warning" if could_be_more else "note",
                f"{rows_of(rows)} for validation: choices made on them are close to chance"
                if rows
                else "no rows for validation: the best checkpoint cannot be chosen",
                "add labelled rows; or --set data.split.name=kfold and compare the folds"
                if not could_be_more
                else "give more validation rows: --valid FILE, or --set data.split.valid_share=0.15",
                count=rows,
            )
