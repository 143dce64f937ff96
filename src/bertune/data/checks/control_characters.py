"""Characters that show nothing, and text that was decoded wrongly."""

from collections.abc import Iterator

from bertune.base.types import Finding, View
from bertune.data.checks._rows import rows_of, texts_at
from bertune.data.patterns import CONTROL, MOJIBAKE, REPLACEMENT

_KINDS = (
    (
        "control_characters",
        CONTROL,
        "control or zero-width characters",
        "take them out: --set 'data.cleaning=[\"control_characters\"]'",
    ),
    (
        "replacement_characters",
        REPLACEMENT,
        "characters lost to a wrong encoding (U+FFFD)",
        "export the file again as UTF-8, or name its encoding: --set data.encoding=NAME",
    ),
    (
        "wrong_encoding",
        MOJIBAKE,
        "UTF-8 text that was read in another encoding, such as Ã© for é",
        "export the file again as UTF-8, or name its encoding: --set data.encoding=utf-8",
    ),
)


class ControlCharacters:
    """Rows with control characters, with lost characters, or with text decoded wrongly."""

    def __init__(self) -> None:
        pass

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning for each kind, with the rows."""
        rows: dict[str, list[int]] = {code: [] for code, _, _, _ in _KINDS}
        for i, text in texts_at(view):
            if not (text.isascii() and text.isprintable()):
                for code, pattern, _, _ in _KINDS:
                    if pattern.search(text):
                        rows[code].append(i)
        for code, _, what, fix in _KINDS:
            if found := rows[code]:
                yield Finding(
                    code, "warning", f"{rows_of(len(found))} with {what}", fix, view.places(found), len(found)
                )
