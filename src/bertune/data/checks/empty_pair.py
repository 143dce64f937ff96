"""Pairs with one text."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import has_text, rows_of


class EmptyPair:
    """Rows whose first text is there and whose second is missing."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning with the rows."""
        if view.pairs is None:
            return
        both = zip(view.texts, view.pairs, strict=True)
        found = [i for i, (text, pair) in enumerate(both) if has_text(text) and not has_text(pair)]
        if found:
            yield Finding(
                "empty_pair",
                "warning",
                f'{rows_of(len(found))} without a second text in column "{view.roles.text_pair}"',
                "write the second text, or delete the rows",
                view.places(found),
                len(found),
            )
