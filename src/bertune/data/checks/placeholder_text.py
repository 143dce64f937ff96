"""Texts that stand for a missing text."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import rows_of

# What spreadsheets, databases, forms and forums write where there is nothing.
PLACEHOLDERS = frozenset(
    """
    n/a #n/a na nan null none nil undefined (null) <null> \\n #value! #ref! #name? #div/0! missing empty tbd todo
    [deleted] [removed] - -- --- . .. ... ? xxx asdf 无 空 暂无 没有 缺失 无内容
    """.split()  # noqa: SIM905 - a list of thirty quoted words is harder to read
) | {"not available", "no text", "no comment", "lorem ipsum"}


class PlaceholderText:
    """Rows whose text is a word for no text, such as `N/A`, `null`, `#REF!` or `[deleted]`."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning with the rows."""
        found = [i for i, text in enumerate(view.texts) if text and text.strip().casefold() in PLACEHOLDERS]
        if found:
            yield Finding(
                "placeholder_text",
                "warning",
                f"{rows_of(len(found))} with a placeholder in place of a text",
                "delete the rows, or empty the text: bertune then drops them and counts them",
                view.places(found),
                len(found),
            )
