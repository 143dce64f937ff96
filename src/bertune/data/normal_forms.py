"""Unicode normal forms in time that grows with the text alone."""

import re
import unicodedata
from functools import cache
from typing import Literal

LONG_RUN = 1000  # marks after one character; Unicode's stream-safe form has 30


@cache
def _marks() -> re.Pattern[str]:
    """Runs of characters that normalisation sorts: combining ones, and those that fall apart into such."""
    codes = [c for c in map(chr, range(0x300, 0x1EA00)) if unicodedata.combining(unicodedata.normalize("NFKD", c)[0])]
    return re.compile(f"[{''.join(map(re.escape, codes))}]+")


def normalize(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """The text in a normal form (Unicode Standard Annex 15), except that runs of over 1,000 marks stay as they are.

    Python sorts the marks of a run one by one, which takes time by the square of their number.
    """
    if len(text) < LONG_RUN or text.isascii():
        return unicodedata.normalize(form, text)
    long = [match.span() for match in _marks().finditer(text) if match.end() - match.start() >= LONG_RUN]
    pieces, done = [], 0
    for start, end in long:
        pieces += [unicodedata.normalize(form, text[done:start]), text[start:end]]
        done = end
    return "".join([*pieces, unicodedata.normalize(form, text[done:])])
