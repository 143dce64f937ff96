"""Rows with the same words in another order, with other accents, or beneath markup."""

import re
import unicodedata
from collections.abc import Iterator
from hashlib import blake2b
from html import unescape
from typing import Annotated

import numpy as np
from annotated_types import Ge

from bertune.base.types import Finding, View
from bertune.data.checks._rows import clusters, flat, rows_of, texts_at
from bertune.data.normal_forms import normalize
from bertune.data.patterns import TAG

_WORD = re.compile(r"[^\W_]+")


class SameWords:
    """Rows that have all their words in common with another, though the text is not nearly the same.

    The order of the words, accents and markup do not count. `words` is how many a text must have.
    """

    def __init__(self, *, words: Annotated[int, Ge(2)] = 5) -> None:
        self.words = words

    def __call__(self, view: View) -> Iterator[Finding]:
        """A note with the rows; a warning where they stand on both sides of a split."""
        numbers = np.full(len(view.texts), -1, dtype=np.int64)
        known: dict[bytes, int] = {}
        for i, text in texts_at(view):
            words = _words(text)
            if len(words) >= self.words:
                key = blake2b(" ".join(sorted(words)).encode("utf-8", "surrogatepass"), digest_size=16).digest()
                numbers[i] = known.setdefault(key, len(known))
        groups = [g for g in clusters(numbers, np.flatnonzero(numbers >= 0)) if len({int(view.near[i]) for i in g}) > 1]
        if not groups:
            return
        splits = view.splits.of_rows(len(view.texts))
        straddling = any(len({splits[i] for i in group} - {""}) > 1 for group in groups)
        rows = flat(groups)
        yield Finding(
            "same_words",
            "warning" if straddling else "note",
            f"{rows_of(len(rows))} with the same words as another in another order, or beneath markup"
            + (", in different splits" if straddling else ""),
            "look at them; delete all but one of each where they say the same",
            view.places(rows),
            len(rows),
        )


def _words(text: str) -> list[str]:
    if "<" in text or "&" in text:
        text = TAG.sub(" ", unescape(text))
    if not text.isascii():
        text = "".join(c for c in normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(text.casefold())
