"""White space made even."""

import re

from bertune.data.cleaners._cleaned import Cleaned, unchanged

_RUN = re.compile(r"\s+")


class Whitespace:
    """Every run of white space becomes one space; none is left at the ends."""

    def __init__(self) -> None:
        pass

    def __call__(self, text: str) -> Cleaned:
        """The text with even white space, with the map to the original."""
        end = len(text)
        return unchanged(text).replaced(_RUN, lambda match: "" if match.start() == 0 or match.end() == end else " ")
