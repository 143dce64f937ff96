"""Rows without a label."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import has_text, label_of, rows_of


class MissingLabel:
    """Rows with text but without a label, in files that have labels."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning with the rows."""
        if view.labels is None:
            return
        files = view.table.given.tolist()
        with_labels = {files[i] for i in range(len(files)) if label_of(view, i) is not None}
        found = [
            i
            for i, text in enumerate(view.texts)
            if has_text(text) and label_of(view, i) is None and files[i] in with_labels
        ]
        if found:
            yield Finding(
                "missing_label",
                "warning",
                f'{rows_of(len(found))} with text but no label in column "{view.roles.label}"',
                "not used for training or scores; label them, or delete the rows",
                view.places(found),
                len(found),
            )
