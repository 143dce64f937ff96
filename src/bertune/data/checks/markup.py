"""HTML in the texts."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import rows_of, texts_at
from bertune.data.patterns import ENTITY, HIDDEN, TAG


class Markup:
    """Rows with HTML tags or entities."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning with the rows."""
        patterns = (TAG, ENTITY, HIDDEN)
        found = [
            i
            for i, text in texts_at(view)
            if ("<" in text or "&" in text) and any(pattern.search(text) for pattern in patterns)
        ]
        if found:
            yield Finding(
                "markup",
                "warning",
                f"{rows_of(len(found))} with HTML tags or entities",
                "take them out: --set 'data.cleaning=[\"markup\"]'",
                view.places(found),
                len(found),
            )
