"""A cleaned text with its map back to the original, and how such maps are made and joined."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bertune.base.types import Ints


@dataclass(frozen=True, eq=False)
class Cleaned:
    """A text and where it came from.

    `origin` has one entry for each character of `text`, its offset in the original, and a last entry, the length of
    the original; it never falls. So `original[origin[a]:origin[b]]` is what `text[a:b]` was made from.
    """

    text: str
    origin: Ints

    def then(self, cleaner: Callable[[str], "Cleaned"]) -> "Cleaned":
        """The text after one more cleaner, with the map back to the first original."""
        later = cleaner(self.text)
        return Cleaned(later.text, self.origin[later.origin])

    def replaced(self, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str]) -> "Cleaned":
        """The text with each match of a pattern replaced."""
        pieces: list[str] = []
        origin: list[Ints] = []
        done = 0
        for match in pattern.finditer(self.text):
            start, end = match.span()
            new = by(match)
            pieces += [self.text[done:start], new]
            origin += [self.origin[done:start], self.origin[inside(start, end, len(new))]]
            done = end
        if not pieces:
            return self
        return Cleaned("".join([*pieces, self.text[done:]]), np.concatenate([*origin, self.origin[done:]]))


def unchanged(text: str) -> Cleaned:
    """The text as it is."""
    return Cleaned(text, np.arange(len(text) + 1))


def inside(start: int, end: int, length: int) -> Ints:
    """Offsets for `length` characters that took the place of the characters from `start` to `end`."""
    return np.minimum(np.arange(start, start + length), max(start, end - 1))
