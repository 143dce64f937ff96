"""Rows without text."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import has_text, rows_of


class MissingText:
    """Rows whose text is missing or blank."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning with the rows; an error when no row has text."""
        found = [i for i, text in enumerate(view.texts) if not has_text(text)]
        if found:
            none_left = len(found) == len(view.texts)
            yield Finding(
                "missing_text",
                "error" if none_left else "warning",
                f'{rows_of(len(found))} without text in column "{view.roles.text}"',
                "name the column with the text: --text COLUMN"
                if none_left
                else "dropped; write the text, or keep the rows: --set data.missing=fill",
                view.places(found),
                len(found),
            )
