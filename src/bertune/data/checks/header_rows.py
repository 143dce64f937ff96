"""Header lines in the middle of the data."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import rows_of


class HeaderRows:
    """Rows that repeat the column names, as joined exports leave them: text and label are their columns' names."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning with the rows."""
        if view.labels is None or view.roles.label is None:
            return
        text, label = _plain(view.roles.text), _plain(view.roles.label)
        found = [i for i, one in enumerate(view.labels) if one is not None and _plain(one) == label
                 and _plain(view.texts[i] or "") == text]  # fmt: skip
        if found:
            yield Finding(
                "header_rows",
                "warning",
                f"{rows_of(len(found))} of column names amid the data: files were joined with their headers",
                "delete these rows",
                view.places(found),
                len(found),
            )


def _plain(name: str) -> str:
    return name.strip().casefold()
