"""Characters that show nothing taken out of the text."""

from bertune.data.cleaners._cleaned import Cleaned, unchanged
from bertune.data.patterns import CONTROL, LINE


class ControlCharacters:
    """Control and zero-width characters removed; rare line breaks become ordinary ones.

    Tab and line feed stay, and so do the joiners that emoji and several scripts need.
    """

    def __init__(self) -> None:
        pass

    def __call__(self, text: str) -> Cleaned:
        """The text without control characters, with the map to the original."""
        return unchanged(text).replaced(CONTROL, lambda match: "").replaced(LINE, lambda match: "\n")
