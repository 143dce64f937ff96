"""Tags of words and the spans that they spell: the schemes IOB1, IOB2 and IOBES, and plain tags.

A tag is O (outside of every span), or a letter and a type joined by a hyphen (B-PER), or a letter alone where there is
but one type (its name is then ""). BIOES, BILOU and BMES are IOBES in other letters: L is read as E, U as S, M as I.
In plain tags, such as parts of speech, every word is of a class of its own.

Source: Ramshaw and Marcus (1995), Text chunking using transformation-based learning (IOB1); Ratnaparkhi (1998),
Maximum entropy models for natural language ambiguity resolution (IOB2); Ratinov and Roth (2009), Design challenges and
misconceptions in named entity recognition (IOBES as BILOU).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bertune.base.errors import DataError
from bertune.base.types import Floats, Ints
from bertune.data.chains import Steps, best_paths

Scheme = Literal["plain", "IOB1", "IOB2", "IOBES"]
Span = tuple[int, int, str]  # start, end (exclusive), type
Bools = NDArray[np.bool_]
_Read = tuple[str, str]  # letter, type

OUTSIDE = "O"
_LETTERS = {"B": "B", "I": "I", "M": "I", "E": "E", "L": "E", "S": "S", "U": "S"}
_LETTERS_OF = {"IOB2": "BI", "IOBES": "BIES", "IOB1": "BI"}
_NOTHING = (OUTSIDE, "")
_SPANNING: tuple[Scheme, ...] = ("IOB2", "IOBES", "IOB1")  # the first of equally good ones is taken


def recognise(sentences: Iterable[Sequence[str]]) -> Scheme:
    """The scheme under which the tags of these sentences have the fewest problems.

    It is "plain" where there would be more than one for every two words that are not O under every other scheme. Where
    no word is of a span it is "IOB2".
    """
    steps: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        steps.update(zip([OUTSIDE, *sentence], [*sentence, OUTSIDE], strict=True))
    tagged = sum(count for (_, now), count in steps.items() if now != OUTSIDE)
    if not tagged:
        return "IOB2"
    wrong = {scheme: sum(count * len(_faults(*step, scheme)) for step, count in steps.items()) for scheme in _SPANNING}
    best = min(_SPANNING, key=wrong.__getitem__)
    return best if 2 * wrong[best] <= tagged else "plain"


def problems(sentences: Iterable[Sequence[str]], scheme: Scheme) -> list[tuple[int, int, str]]:
    """What breaks the scheme: (sentence, word, message), both counted from 0, in their order.

    A problem is a missing tag, a tag that the scheme lacks, a span without its first or last tag. `spans` says how such
    words are read all the same.
    """
    found = []
    for row, sentence in enumerate(sentences):
        steps = zip([OUTSIDE, *sentence], [*sentence, OUTSIDE], strict=True)
        found += [
            (row, word - back, message)
            for word, (before, now) in enumerate(steps)
            for back, message in _faults(before, now, scheme)
        ]
    return sorted(found)


def spans(tags: Sequence[str], scheme: Scheme) -> tuple[Span, ...]:
    """The spans that the tags of a sentence spell: (first word, word after the last, type), in their order.

    Where `problems` has nothing to say, this is how seqeval reads tags in its strict mode. Where it has, a span begins
    with every B and S, and with an I or E that cannot go on with the span before it (so a leading I is taken for a B);
    a span ends after E and S, and before whatever cannot go on with it. That is how seqeval reads tags in its default
    mode, and conlleval. Tags that are none of the scheme count as O. In plain tags every word is a span of its own.

    Source: the definitions of the schemes; read alike by seqeval and by conlleval of the CoNLL-2000 shared task.
    """
    if scheme == "plain":
        return tuple((word, word + 1, tag) for word, tag in enumerate(tags))
    found: list[Span] = []
    before, start = _NOTHING, 0
    for word, tag in enumerate([*tags, OUTSIDE]):
        now = _read(tag)
        if _goes_on(before, now):
            before = now
            continue
        if before != _NOTHING:
            found.append((start, word, before[1]))
        before, start = now, word
    return tuple(found)


def tags(spans: Iterable[Span], words: int, scheme: Scheme) -> list[str]:
    """The tags [words] that spell these spans, letters in the spelling of IOBES; words of no span are O.

    Raises DataError where a span is empty, reaches beyond the words, or covers a word of another.
    """
    made = [OUTSIDE] * words
    last: Span = (0, 0, "")
    for span in sorted(spans):
        start, end, kind = span
        if not last[1] <= start < end <= words:
            raise DataError(
                "the span cannot be told in tags.",
                expected=f"spans within {words} words, none of which are in two spans",
                found=f"{span} after {last}" if start < last[1] else str(span),
                next_move="leave out spans that lie within others",
            )
        touching = last[1] == start > 0 and last[2] == kind
        made[start:end] = _spelt(kind, end - start, scheme, touching)
        last = span
    return made


def tag_names(types: Iterable[str], scheme: Scheme) -> tuple[str, ...]:
    """Every tag that the scheme has for these types: O, then those of each type; the types themselves if plain."""
    if scheme == "plain":
        return tuple(types)
    return OUTSIDE, *(_joined(letter, kind) for kind in types for letter in _LETTERS_OF[scheme])


def allowed(names: Sequence[str], scheme: Scheme) -> tuple[Bools, Bools, Bools]:
    """Which tags may stand first, follow one another, and stand last: start[tags], transition[from, to], end[tags].

    Sequences that keep to them are those that have no problem. Names that are no tags count as O; every plain tag may
    stand anywhere.
    """
    start = np.array([not _faults(OUTSIDE, name, scheme, known=False) for name in names], np.bool_)
    end = np.array([not _faults(name, OUTSIDE, scheme, known=False) for name in names], np.bool_)
    steps = [[not _faults(before, now, scheme, known=False) for now in names] for before in names]
    return start, np.array(steps, np.bool_).reshape(len(names), len(names)), end


def best_path(scores: Floats, start: Bools, transition: Bools, end: Bools) -> Ints:
    """The tag numbers [words] of the highest sum of scores [words, tags] among those that `allowed` allows.

    Scores are finite, in any unit that adds up, such as log probabilities. Where nothing is allowed (one word, and no
    tag may stand alone) each word has its own best tag.

    Source: `best_paths`; the scores of all steps are 0 or minus infinity.
    """
    free: Ints = np.asarray(scores.argmax(axis=1), np.int64)
    if not len(free) or (start[free[0]] and end[free[-1]] and transition[free[:-1], free[1:]].all()):
        return free  # no other path can be better
    return best_paths([scores], Steps(*(np.where(may, 0.0, -np.inf) for may in (start, transition, end))))[0]


def _read(tag: str) -> _Read:
    """Letter and type of a tag; what is no tag of spans is read as O."""
    letter = _LETTERS.get(tag[:1], "")
    return (letter, tag[2:]) if letter and (len(tag) == 1 or (tag[1] == "-" and len(tag) > 2)) else _NOTHING


def _joined(letter: str, kind: str) -> str:
    return f"{letter}-{kind}" if kind else letter


def _spelt(kind: str, words: int, scheme: Scheme, touching: bool) -> list[str]:
    """The tags of one span; `touching` another of its type."""
    if scheme == "plain":
        return [kind] * words
    letters = ["I"] * words
    if scheme != "IOB1" or touching:
        letters[0] = "B"
    if scheme == "IOBES":
        letters[-1] = "E" if words > 1 else "S"
    return [_joined(letter, kind) for letter in letters]


def _goes_on(before: _Read, now: _Read) -> bool:
    """Whether a word is in one span with the word before it."""
    return before[0] in ("B", "I") and now[0] in ("I", "E") and before[1] == now[1]


def _faults(before: str, now: str, scheme: Scheme, known: bool = True) -> list[tuple[int, str]]:
    """What is wrong about two neighbours: (words back from the second, message); not `known`: any name is a tag."""
    if scheme == "plain":
        return [] if now or not known else [(0, "the word has no tag.")]
    found = []
    was, read = _read(before), _read(now)
    if read == _NOTHING:
        if known and now != OUTSIDE:
            found.append((0, f"{now!r} is no tag of {scheme}." if now else "the word has no tag."))
    elif read[0] not in _LETTERS_OF[scheme]:
        found.append((0, f"{now} is no tag of {scheme}."))
    elif scheme == "IOB1":
        if read[0] == "B" and not _goes_on(was, ("I", read[1])):
            found.append((0, f"{now} after {before}: in IOB1, B is only for a span that touches another of its type."))
    elif read[0] in ("I", "E") and not _goes_on(was, read):
        found.append((0, f"{now} after {before}: no span goes on here."))
    if scheme == "IOBES" and was[0] in ("B", "I") and not _goes_on(was, read):
        found.append((1, f"{before} before {now}: the span has no end."))
    return found
