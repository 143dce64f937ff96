"""Words of a text, and spans of characters as spans of words: the units that get one tag each.

In scripts written with spaces a word is a run of letters, digits and their marks (Korean included). In those without,
every character is a word: Chinese characters, kana and bopomofo alone, letters of Thai, Lao, Burmese and Khmer with
what belongs to them. Punctuation and symbols stand alone, and an emoji is one word however many code points it has.

Source: Unicode Standard Annex 29 (text segmentation), of which this keeps: marks, joiners and variation selectors
belong to what is before them (GB9, GB9a), emoji sequences and flags are whole (GB11 to GB13), letters and digits run
together (WB5 to WB10). It differs where a tokenizer would: no punctuation is within words.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from bertune.data.tags import Span

SHARED = "it shares a word"
Word = tuple[int, int]  # start, end (exclusive) in characters

# Every character is of a kind: s space, w letter or digit that runs, h character of its own, t letter without spaces,
# m mark, k mark that stacks the next letter, v emoji selector, c keycap, j joiner, z format character, o symbol,
# r letter of a flag, p anything else.
_KIND_OF = {
    0x200B: "p", 0x200C: "m", 0x200D: "j", 0x20E3: "c", 0xFE0F: "v", 0x17D2: "k", 0x1039: "k",
    0xE33: "m", 0xEB3: "m", 0xFF9E: "m", 0xFF9F: "m",
}  # fmt: skip
_RANGES = (
    (0xE00, 0xEFF, "t"), (0x1000, 0x109F, "t"), (0x1780, 0x17FF, "t"), (0x3005, 0x3007, "h"), (0x3021, 0x3029, "h"),
    (0x3031, 0x3035, "h"), (0x3038, 0x303C, "h"), (0x3041, 0x3096, "h"), (0x309D, 0x309F, "h"), (0x30A1, 0x30FA, "h"),
    (0x30FC, 0x30FF, "h"), (0x3105, 0x312F, "h"), (0x31A0, 0x31BF, "h"), (0x31F0, 0x31FF, "h"), (0x3400, 0x4DBF, "h"),
    (0x4E00, 0x9FFF, "h"), (0xA9E0, 0xA9FF, "t"), (0xAA60, 0xAA7F, "t"), (0xF900, 0xFAFF, "h"), (0xFF66, 0xFF9D, "h"),
    (0x1AFF0, 0x1AFFE, "h"), (0x1B000, 0x1B16F, "h"), (0x1F1E6, 0x1F1FF, "r"), (0x1F3FB, 0x1F3FF, "m"),
    (0x20000, 0x3FFFD, "h"), (0xE0020, 0xE007F, "m"),
)  # fmt: skip
_STARTS = [start for start, _, _ in _RANGES]
_EMOJI = (0x1F000, 0x1FFFD)  # also those that this Python does not know yet
_ATTACHED = "mvcjk"
_X = f"[{_ATTACHED}]*+"
_W = "w(?![mvjk]*+c)"  # a keycap is no part of a number
_WORD = re.compile(
    rf"(?:w*{_W}{_X}(?:z++(?={_W}))?)++"
    rf"|t{_X}(?:(?<=k)t{_X})*+|o{_X}(?:(?<=j)o{_X})*+|rr?{_X}|[whpz]{_X}|[{_ATTACHED}]++"
)
_WIDE = ((0x3000, 0x303F), (0xFF01, 0xFF65), (0xFFE0, 0xFFE6))  # punctuation and forms as wide as Chinese characters


class _Kinds(dict[int, str]):
    """The kind of each code point, found when it is first seen."""

    def __missing__(self, code: int) -> str:
        kind = self[code] = _kind(code)
        return kind


_KINDS = _Kinds(_KIND_OF)


def words_of(text: str) -> list[Word]:
    """The words of a text, (start, end) in characters, in their order.

    They do not overlap, and every character that is no white space (`str.isspace`) is in one of them.
    """
    return [match.span() for match in _WORD.finditer(text.translate(_KINDS))]


def joined(tokens: Sequence[str]) -> tuple[str, list[Word]]:
    """A list of tokens as one text, and the (start, end) of each token in it.

    A blank is between two tokens, unless scripts without spaces, or their punctuation, are on both sides of it. An
    empty token has an empty span.
    """
    pieces: list[str] = []
    places: list[Word] = []
    at, close = 0, True
    for number, token in enumerate(tokens):
        if number and not (close and _is_close(token[:1])):
            pieces.append(" ")
            at += 1
        pieces.append(token)
        places.append((at, at + len(token)))
        at += len(token)
        close = _is_close(_last(token))
    return "".join(pieces), places


def to_words(spans: Iterable[Span], words: Sequence[Word]) -> tuple[list[Span], list[tuple[int, str]]]:
    """Spans of characters as spans of words, and the problems met: (number of the span from 0, message).

    A span that begins or ends within a word is widened to the word. One that covers no word (it is empty, or blank) is
    left out. Spans that share a word are both kept. All three are problems; blanks at either end are none. `words` are
    in their order and do not overlap.
    """
    starts, ends = [start for start, _ in words], [end for _, end in words]
    made: list[Span] = []
    wrong: list[tuple[int, str]] = []
    owner: dict[int, int] = {}
    for number, (start, end, kind) in enumerate(spans):
        first, last = bisect_right(ends, start), bisect_left(starts, end)
        if first >= last or start >= end:
            wrong.append((number, f"characters {start} to {end} hold no word."))
            continue
        if starts[first] < start:
            wrong.append((number, f"it begins at {start}, within the word from {starts[first]} to {ends[first]}."))
        if ends[last - 1] > end:
            wrong.append((number, f"it ends at {end}, within the word from {starts[last - 1]} to {ends[last - 1]}."))
        others = {owner.setdefault(word, number) for word in range(first, last)} - {number}
        wrong += [(number, f"{SHARED} with span {other}.") for other in sorted(others)]
        made.append((first, last, kind))
    return made, wrong


def to_characters(spans: Iterable[Span], words: Sequence[Word]) -> list[Span]:
    """Spans of words as spans of characters: from the start of the first word to the end of the last."""
    return [(words[start][0], words[end - 1][1], kind) for start, end, kind in spans]


def _kind(code: int) -> str:
    character = chr(code)
    at = bisect_right(_STARTS, code) - 1
    within = _RANGES[at][2] if at >= 0 and code <= _RANGES[at][1] else ""
    if within and within != "t":
        return within
    if character.isspace():
        return "s"
    category = unicodedata.category(character)
    if category[0] == "L":
        return within or "w"
    if category[0] == "S" or (category == "Cn" and _EMOJI[0] <= code <= _EMOJI[1]):
        return "o"
    return {"N": "w", "M": "m"}.get(category[0], "z" if category == "Cf" else "p")


def _last(token: str) -> str:
    """The last character that other characters belong to, or nothing."""
    base = token.translate(_KINDS).rstrip(_ATTACHED)
    return token[len(base) - 1 : len(base)]


def _is_close(character: str) -> bool:
    """Whether a character, or nothing, needs no blank beside another such."""
    if not character:
        return False
    return character.translate(_KINDS) in "ht" or any(first <= ord(character) <= last for first, last in _WIDE)
