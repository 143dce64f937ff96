"""Validation or test rows without labels."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import label_of


class UnlabelledTest:
    """A valid or test set without a single label, while the training rows have some."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error for valid, a warning for test."""
        if not any(label_of(view, int(i)) is not None for i in view.splits.train):
            return
        for name in ("valid", "test"):
            rows = getattr(view.splits, name)
            if len(rows) and not any(label_of(view, int(i)) is not None for i in rows):
                yield Finding(
                    f"unlabelled_{name}",
                    "error" if name == "valid" else "warning",
                    f"none of the {len(rows):,} rows of {name} has a label: there can be no score",
                    f"give labelled rows: --{name} FILE; or leave it out, then rows are split off the training file",
                    view.places(rows),
                    len(rows),
                )
