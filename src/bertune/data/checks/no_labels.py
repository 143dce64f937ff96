"""Too few labels to learn from."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import counts_of, has, has_classes, label_of, quoted


class NoLabels:
    """No labels at all, one class only, or classes with a single training row."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error when nothing can be learnt, a warning for classes with a single row."""
        if view.labels is None or not any(label_of(view, int(i)) is not None for i in view.splits.train):
            yield Finding(
                "no_labels",
                "error",
                "no training row has a label",
                "name the column with the labels: --label COLUMN",
                count=len(view.splits.train),
            )
            return
        if not has_classes(view):
            return
        counts = counts_of(view, view.splits.train)
        if len(counts) == 1:
            yield Finding(
                "one_class",
                "error",
                f"all {counts.total():,} training rows have the label {quoted(counts)}",
                "add rows of at least one other class, or name another column: --label COLUMN",
                count=counts.total(),
            )
            return
        single = sorted(label for label, count in counts.items() if count == 1)
        if single:
            rows = [int(i) for i in view.splits.train if label_of(view, int(i)) in single]
            yield Finding(
                "single_row_class",
                "warning",
                f"{len(single):,} of {len(counts):,} classes {has(len(single))} one training row: {quoted(single)}",
                "add rows of these classes, join them with another class, or delete them",
                view.places(rows),
                len(single),
            )
