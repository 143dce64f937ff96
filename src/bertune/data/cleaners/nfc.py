"""Unicode normal form NFC."""

from bertune.data.cleaners._cleaned import Cleaned
from bertune.data.cleaners._normal import normalised


class Nfc:
    """Composed characters: a letter and its accent become one character; nothing that is seen changes."""

    def __init__(self) -> None:
        pass

    def __call__(self, text: str) -> Cleaned:
        """The text in normal form NFC, with the map to the original."""
        return normalised(text, "NFC")
