"""How CMRC 2018 compares answers of Chinese and Latin text mixed: normal form, segments, longest common run."""

import re
from collections.abc import Iterator, Sequence

from bertune.metrics._latin_words import latin_words

# ASCII "." "," "?" "!" and quotes are not among them, nor is the ellipsis.
LEFT_OUT = str.maketrans("", "", "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")
CHINESE = re.compile("([\u4e00-\u9fa5])")


def plain(text: str) -> str:
    """A text in small letters, without the punctuation that CMRC 2018 leaves out; spaces within it stay.

    Source: remove_punctuation of the official evaluation script of CMRC 2018 (Cui et al., 2019).
    """
    return text.lower().strip().translate(LEFT_OUT)


def segments(text: str) -> list[str]:
    """The Chinese characters of a text one by one, and the words of what stands between them.

    Source: mixed_segmentation of the official evaluation script of CMRC 2018 (Cui et al., 2019), which takes the words
    from NLTK's word_tokenize. That first cuts a piece into sentences by a list learned from newspapers; here a piece is
    one sentence. So a piece may come out otherwise only where ".", "?" or "!" stands before its end and is followed by
    a space, a quote, a bracket or another of ";@!?".
    """
    return list(_segments(plain(text)))


def _segments(text: str) -> Iterator[str]:
    for piece in CHINESE.split(text):
        if CHINESE.fullmatch(piece):
            yield piece
        else:
            yield from latin_words(piece)


def longest_run(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest run of neighbouring items that both hold; takes time by the product of their lengths."""
    longest, before = 0, [0] * (len(b) + 1)
    for item in a:
        now = [0] * (len(b) + 1)
        for j, other in enumerate(b):
            if item == other:
                now[j + 1] = before[j] + 1
        longest, before = max(longest, *now), now
    return longest
