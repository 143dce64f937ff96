"""HTML taken out of the text."""

import html
import re

from bertune.data.cleaners._cleaned import Cleaned, unchanged
from bertune.data.patterns import ENTITY, HIDDEN, TAG

PASSES = 20  # nesting such as &amp;amp;lt; beyond this depth is no accident


class Markup:
    """HTML tags removed and entities turned into their characters, until none is left.

    Line breaks, paragraphs and table cells become a space, other tags nothing. Words in angle brackets that are no
    HTML element stay.
    """

    def __init__(self) -> None:
        pass

    def __call__(self, text: str) -> Cleaned:
        """The text without markup, with the map to the original."""
        cleaned = unchanged(text)
        for _ in range(PASSES):
            before = cleaned.text
            cleaned = cleaned.replaced(HIDDEN, lambda match: " ")
            cleaned = cleaned.replaced(TAG, lambda match: " " if match["block"] else "")
            cleaned = cleaned.replaced(ENTITY, lambda match: html.unescape(match[0]))
            if cleaned.text == before:
                return cleaned
        return cleaned.replaced(re.compile("[<&]"), lambda match: "")
