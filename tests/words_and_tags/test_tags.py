"""Tag schemes: round trips, seqeval's readings restated, and constrained paths against trying them all."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError
from bertune.data.tags import Scheme, Span, allowed, best_path, problems, recognise, spans, tag_names, tags

SPANNING: tuple[Scheme, ...] = ("IOB1", "IOB2", "IOBES")
TYPES = st.sampled_from(["PER", "LOC", "B-cell", "O", "I", "人"])


@st.composite
def sentences(draw: st.DrawFn, types: st.SearchStrategy[str] = TYPES) -> tuple[int, tuple[Span, ...]]:
    """A number of words, and spans among them, many of which touch."""
    sizes = draw(st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2]), st.integers(1, 4), types), max_size=6))
    at, made = 0, []
    for gap, size, kind in sizes:
        made.append((at + gap, at + gap + size, kind))
        at += gap + size
    return at + draw(st.integers(0, 2)), tuple(made)


def strict(given: list[str], scheme: Scheme) -> tuple[Span, ...]:
    """The spans of a sequence that keeps to its scheme, by a pattern for each type."""
    shape = {"IOB2": "BI*", "IOBES": "BI*E|S", "IOB1": "B?I*"}[scheme]
    found = []
    for kind in {tag[2:] for tag in given if tag != "O"}:
        line = "".join(tag[0] if tag[2:] == kind and tag != "O" else "O" for tag in given)
        found += [(*match.span(), kind) for match in re.finditer(shape, line) if match.group()]
    return tuple(sorted(found))


def lenient(given: list[str]) -> tuple[Span, ...]:
    """What conlleval and seqeval's default mode read, from their rules of where a chunk ends and starts."""
    found, start, before = [], 0, "O"
    for i, tag in enumerate([*given, "O"]):
        old, new, differ = before[0], tag[0], before[2:] != tag[2:]
        if old in "ES" or (old in "BI" and new in "BSO") or (old != "O" and differ):
            found.append((start, i, before[2:]))
        if new in "BS" or (old in "ESO" and new in "EI") or (new != "O" and differ):
            start = i
        before = tag
    return tuple(found)


@given(sentences(), st.sampled_from(SPANNING))
def test_spans_and_tags_are_inverse(sentence: tuple[int, tuple[Span, ...]], scheme: Scheme) -> None:
    words, gold = sentence
    spelt = tags(gold, words, scheme)
    assert len(spelt) == words
    assert problems([spelt], scheme) == []
    assert spans(spelt, scheme) == gold == strict(spelt, scheme)


@given(sentences(), st.sampled_from(SPANNING), st.sampled_from(SPANNING))
def test_schemes_turn_into_each_other(sentence: tuple[int, tuple[Span, ...]], one: Scheme, other: Scheme) -> None:
    words, gold = sentence
    first = tags(gold, words, one)
    second = tags(spans(first, one), words, other)
    assert tags(spans(second, other), words, one) == first
    if gold:
        assert recognise([first]) == one
        assert bool(problems([first], other)) == (first != second)


@given(st.lists(st.sampled_from(["O", *(f"{letter}-{kind}" for letter in "BIES" for kind in "XY")]), max_size=12))
@settings(max_examples=300)
def test_any_sequence_is_read_as_conlleval_reads_it(given: list[str]) -> None:
    for scheme in SPANNING:
        assert spans(given, scheme) == lenient(given)
        if not problems([given], scheme):
            assert spans(given, scheme) == strict(given, scheme)


@given(st.lists(st.sampled_from(["NN", "VB", "O", "B-x", "S", ""]), max_size=8))
def test_plain_tags_make_every_word_a_span(given: list[str]) -> None:
    assert tags(spans(given, "plain"), len(given), "plain") == given
    assert problems([given], "plain") == [(0, i, "the word has no tag.") for i, tag in enumerate(given) if not tag]


@given(sentences(st.just("")), st.sampled_from(SPANNING))
def test_letters_alone_are_tags_of_one_type(sentence: tuple[int, tuple[Span, ...]], scheme: Scheme) -> None:
    words, gold = sentence
    spelt = tags(gold, words, scheme)
    assert set(spelt) <= set("BIESO")
    assert spans(spelt, scheme) == gold


@pytest.mark.parametrize(
    ("lines", "scheme"),
    [
        (["I-PER I-PER O", "I-PER B-PER O I-LOC"], "IOB1"),
        (["B-PER I-PER O", "B-PER B-PER O B-LOC"], "IOB2"),
        (["B-PER E-PER O", "S-PER S-PER O S-LOC"], "IOBES"),
        (["B-PER I-PER L-PER O", "U-PER"], "IOBES"),
        (["B-PER M-PER E-PER O", "S-PER"], "IOBES"),
        (["B M E S B E", "S S"], "IOBES"),
        (["B I O O", "O B I I"], "IOB2"),
        (["S-LOC O"], "IOBES"),
        (["O O", "O"], "IOB2"),
        (["DT NN VBZ O", "NNP ."], "plain"),
        (["O POS O NEG"], "plain"),
        (["S M L S M XL"], "plain"),
        (["B-PER I-PER O B-PER", "PER O", "B-LOC O I-LOC"], "IOB2"),
        ([""], "IOB2"),
        ([], "IOB2"),
    ],
)
def test_recognises(lines: list[str], scheme: Scheme) -> None:
    assert recognise(line.split() for line in lines) == scheme


@pytest.mark.parametrize(
    ("line", "scheme", "expected"),
    [
        ("O I-PER I-PER", "IOB2", [(0, 1, "I-PER after O: no span goes on here.")]),
        ("B-PER I-LOC", "IOB2", [(0, 1, "I-LOC after B-PER: no span goes on here.")]),
        ("B-PER E-PER", "IOB2", [(0, 1, "E-PER is no tag of IOB2.")]),
        ("PER _ O", "IOB2", [(0, 0, "'PER' is no tag of IOB2."), (0, 1, "'_' is no tag of IOB2.")]),
        ("I-PER B-LOC", "IOB1",
         [(0, 1, "B-LOC after I-PER: in IOB1, B is only for a span that touches another of its type.")]),
        ("B-PER O I-PER", "IOBES",
         [(0, 0, "B-PER before O: the span has no end."), (0, 2, "I-PER after O: no span goes on here."),
          (0, 2, "I-PER before O: the span has no end.")]),
        ("U-PER B-PER L-PER B-LOC M-LOC E-LOC", "IOBES", []),
    ],
)  # fmt: skip
def test_problems_name_the_word(line: str, scheme: Scheme, expected: list[tuple[int, int, str]]) -> None:
    assert problems([line.split()], scheme) == expected
    assert problems([["O"], line.split()], scheme) == [(1, word, message) for _, word, message in expected]


def test_a_leading_inside_is_read_as_begin() -> None:
    assert spans(["O", "I-PER", "I-PER", "I-LOC"], "IOB2") == ((1, 3, "PER"), (3, 4, "LOC"))
    assert spans(["B-PER", "x", "I-PER"], "IOB2") == ((0, 1, "PER"), (2, 3, "PER"))


@pytest.mark.parametrize("wrong", [[(0, 2, "A"), (1, 3, "B")], [(0, 0, "A")], [(2, 5, "A")], [(-1, 1, "A")]])
def test_spans_that_no_tags_can_tell(wrong: list[Span]) -> None:
    with pytest.raises(DataError, match="cannot be told in tags"):
        tags(wrong, 4, "IOB2")


@pytest.mark.parametrize("scheme", [*SPANNING, "plain"])
def test_what_is_allowed_is_what_has_no_problem(scheme: Scheme) -> None:
    names = tag_names(["X", "Y"], scheme)
    start, transition, end = allowed(names, scheme)
    for size in (1, 2, 3):
        for path in itertools.product(range(len(names)), repeat=size):
            legal = start[path[0]] and end[path[-1]] and all(transition[a, b] for a, b in itertools.pairwise(path))
            assert legal == (not problems([[names[i] for i in path]], scheme)), [names[i] for i in path]


def test_names_that_are_no_tags_may_stand_wherever_outside_may() -> None:
    start, transition, end = allowed(["O", "B-X", "I-X", "PER"], "IOB2")
    assert (start[3], end[3]) == (start[0], end[0])
    assert (transition[3] == transition[0]).all() and (transition[:, 3] == transition[:, 0]).all()


@given(st.sampled_from(SPANNING), st.integers(1, 4), st.integers(0, 2**32), st.booleans())
@settings(max_examples=150)
def test_the_best_path_is_the_best_of_all(scheme: Scheme, words: int, seed: int, ties: bool) -> None:
    names = tag_names(["X", "Y"], scheme)
    limits = start, transition, end = allowed(names, scheme)
    scores = np.random.default_rng(seed).normal(size=(words, len(names)))
    scores = np.round(scores) if ties else scores
    paths = np.array(list(itertools.product(range(len(names)), repeat=words)))
    legal = start[paths[:, 0]] & end[paths[:, -1]] & transition[paths[:, :-1], paths[:, 1:]].all(axis=1)
    sums = scores[np.arange(words), paths].sum(axis=1)
    found = best_path(scores, *limits)
    assert legal[(paths == found).all(axis=1)].all()
    assert scores[np.arange(words), found].sum() == pytest.approx(sums[legal].max(), abs=1e-12)


def test_a_path_of_no_words_and_one_that_cannot_be() -> None:
    limits = allowed(["B", "I", "E"], "IOBES")
    assert best_path(np.zeros((0, 3)), *limits).tolist() == []
    assert best_path(np.array([[0.0, 2.0, 1.0]]), *limits).tolist() == [1]
    assert best_path(np.array([[0.0, 2.0, 1.0]] * 2), *limits).tolist() == [0, 2]


@given(st.lists(st.lists(st.text(max_size=4), max_size=5), max_size=5), st.sampled_from([*SPANNING, "plain"]))
def test_whatever_people_write_as_tags_is_read(given: list[list[str]], scheme: Scheme) -> None:
    assert recognise(given) in (*SPANNING, "plain")
    assert all(0 <= row < len(given) and 0 <= word < len(given[row]) for row, word, _ in problems(given, scheme))
    for sentence in given:
        read = spans(sentence, scheme)
        assert spans(tags(read, len(sentence), scheme), scheme) == read
