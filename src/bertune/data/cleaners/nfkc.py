"""Unicode normal form NFKC."""

from bertune.data.cleaners._cleaned import Cleaned
from bertune.data.cleaners._normal import normalised


class Nfkc:
    """Composed and plain characters: full-width letters, ligatures and the like become ordinary ones."""

    def __init__(self) -> None:
        pass

    def __call__(self, text: str) -> Cleaned:
        """The text in normal form NFKC, with the map to the original."""
        return normalised(text, "NFKC")
