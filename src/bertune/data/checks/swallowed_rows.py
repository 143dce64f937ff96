"""Texts that hold further rows of their file."""

from collections.abc import Iterator
from typing import Annotated

from annotated_types import Ge

from bertune.base.types import Finding, View
from bertune.data.checks._rows import has_classes, rows_of

_DELIMITERS = ",;\t|"


class SwallowedRows:
    """Texts with line breaks in which lines end, or begin, in a delimiter and a label: a quote was never closed.

    `lines` is how many such lines a text must have.
    """

    def __init__(self, *, lines: Annotated[int, Ge(1)] = 2) -> None:
        self.lines = lines

    def __call__(self, view: View) -> Iterator[Finding]:
        """An error with the rows."""
        if not has_classes(view) or view.labels is None:
            return
        labels = {label.strip().casefold() for label in view.labels if label is not None}
        found = [i for i, text in enumerate(view.texts) if text and "\n" in text and self._holds_rows(text, labels)]
        if found:
            yield Finding(
                "swallowed_rows",
                "error",
                f"{rows_of(len(found))} whose text holds further rows of the file: a quote was opened and never closed",
                "close or double the quote in these rows; if quotes mean nothing here: --set data.quoting=none",
                view.places(found),
                len(found),
            )

    def _holds_rows(self, text: str, labels: set[str]) -> bool:
        found = 0
        for line in text.casefold().splitlines():
            for mark in _DELIMITERS:
                if mark in line:
                    edges = (line.rsplit(mark, 1)[1], line.split(mark, 1)[0])
                    if any(edge.strip().strip('"') in labels for edge in edges):
                        found += 1
                        break
        return found >= self.lines
