"""Labels that training never sees."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import counts_of, has_classes, labelled, quoted, rows_of


class LabelsDiffer:
    """Labels in valid or test that no training row has."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error with the rows: the model can never be right on them."""
        known = counts_of(view, view.splits.train)
        if not known or not has_classes(view):
            return
        for name in ("valid", "test"):
            pairs = labelled(view, getattr(view.splits, name))
            rows = [i for i, label in pairs if label not in known]
            if rows:
                unknown = sorted({label for _, label in pairs} - set(known))
                same = "; no label is the same" if len(rows) == len(pairs) else ""
                yield Finding(
                    "labels_differ",
                    "error",
                    f"{rows_of(len(rows))} of {name} with labels that training lacks: {quoted(unknown)}{same}",
                    "spell the labels alike in all files, or add training rows of these classes",
                    view.places(rows),
                    len(rows),
                )
