"""Rows with text and label in each other's column."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge

from bertune.base.types import Finding, View
from bertune.data.checks._rows import has_classes, rows_of


class SwappedColumns:
    """Rows whose text is the name of a class and whose label no class is; `rows` makes a label a class."""

    def __init__(self, *, rows: Annotated[int, Ge(2)] = 5) -> None:
        self.rows = rows

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error with the rows."""
        if not has_classes(view) or view.labels is None:
            return
        counts = Counter(label for label in view.labels if label is not None)
        classes = {_plain(label) for label, n in counts.items() if n >= self.rows}
        odd = [i for i, label in enumerate(view.labels) if label is not None and _plain(label) not in classes]
        found = [i for i in odd if _plain(view.texts[i] or "") in classes]
        if found:
            yield Finding(
                "swapped_columns",
                "error",
                f"{rows_of(len(found))} with the label where the text belongs and the text where the label belongs",
                "put them right in these rows",
                view.places(found),
                len(found),
            )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
