"""Windows over long texts: exact places for four kinds of tokenizer, nothing lost, nothing answered twice."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from any_texts import texts
from four_tokenizers import KINDS
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_models
from bertune.base.errors import DataError
from bertune.data.cutting import Frame, Side, cut_rows
from bertune.data.store import write
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.data.windows import LEAST, Cut, Windows, windows, word_tokens
from bertune.data.words import words_of


def whole(parts: list[Windows]) -> Windows:
    """All portions as one."""
    fields = ("ids", "lengths", "owner", "first", "begin", "end", "fresh")
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in fields}
    types = None if parts[0].types is None else np.concatenate([part.types for part in parts])
    return Windows(types=types, problems=tuple(p for part in parts for p in part.problems), **arrays)


def made(tokenizer: TextTokenizer, *given: object, **named: object) -> Windows:
    return whole(list(windows(tokenizer, *given, **named)))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_places_cover_the_words_in_order(kind: str, tokenizers: dict[str, TextTokenizer]) -> None:
    rows = texts(1000, seed=1)
    pieces = tokenizers[kind].pieces(rows)
    assert len(pieces.starts) == len(rows) + 1
    for row, text in enumerate(rows):
        at = slice(pieces.starts[row], pieces.starts[row + 1])
        begin, end = pieces.begin[at], pieces.end[at]
        assert (np.diff(begin) >= 0).all() and (np.diff(end) >= 0).all()
        assert ((begin >= 0) & (begin <= end) & (end <= len(text))).all()
        words, places = words_of(text), list(zip(begin.tolist(), end.tolist(), strict=True))
        first, owner = word_tokens(begin, end, words)
        for word, (start, stop) in enumerate(words):
            touching = [t for t, (b, e) in enumerate(places) if max(b, start) < min(e, stop)]
            assert first[word] == (touching[0] if touching else -1)
            if first[word] < 0:
                assert kind == "word_piece", "only word pieces drop characters"
                assert all(unicodedata.category(c)[0] in "CM" or c == "\ufffd" for c in text[start:stop])
        for (b, e), word in zip(places, owner.tolist(), strict=True):
            inside = [w for w, (start, stop) in enumerate(words) if max(b, start) < min(e, stop)]
            assert word == (inside[0] if inside else -1)
            assert text[b:e] == text[b:e].strip() or text[b:e].isspace()


@pytest.mark.parametrize("kind", KINDS)
def test_known_words_are_found_letter_by_letter(kind: str, tokenizers: dict[str, TextTokenizer]) -> None:
    text = "Zoë 好  was lovely 😀\n quite\x00 dull"
    pieces = tokenizers[kind].pieces([text])
    tokens = tokenizers[kind].inner.convert_ids_to_tokens(pieces.ids.tolist())
    found = {
        token.strip("Ġ▁#"): text[begin:end]
        for token, begin, end in zip(tokens, pieces.begin.tolist(), pieces.end.tolist(), strict=True)
    }
    for word in ("was", "lovely", "quite", "dull"):
        assert found[word] == word


@pytest.mark.parametrize("kind", ["byte_bpe", "spaced_bpe"])
def test_tokens_of_one_character_all_have_its_place(kind: str, tokenizers: dict[str, TextTokenizer]) -> None:
    pieces = tokenizers[kind].pieces(["好😀"])
    places = list(zip(pieces.begin.tolist(), pieces.end.tolist(), strict=True))
    assert [place for place in places if place != (0, 0)] == [(0, 1)] * (len(places) - 4) + [(1, 2)] * 4


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("paired", [False, True])
def test_rows_that_fit_are_encoded_as_ever(kind: str, paired: bool, tokenizers: dict[str, TextTokenizer]) -> None:
    rows = [None, *texts(299, seed=2), "a [SEP]</s> film"]
    pairs = [*texts(299, seed=3), "[CLS]<s>", None] if paired else None
    tokenizer = tokenizers[kind]
    found = made(tokenizer, rows, pairs, 10_000, 8)
    (usual,) = tokenizer.encode(rows, pairs, 10_000)
    assert found.owner.tolist() == list(range(301))
    assert np.array_equal(found.ids, usual.ids) and np.array_equal(found.lengths, usual.lengths)
    assert (found.types is None) == (usual.types is None)
    assert found.types is None or np.array_equal(found.types, usual.types)
    assert not found.problems


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cut", [None, "first", "second"])
def test_windows_are_those_of_transformers(kind: str, cut: Cut | None, tokenizers: dict[str, TextTokenizer]) -> None:
    tokenizer = tokenizers[kind]
    long, short = texts(150, seed=4, pieces=90), [text[:4] for text in texts(150, seed=5, pieces=2)]
    first, second = (long, None) if cut is None else (long, short) if cut == "first" else (short, long)
    found = made(tokenizer, first, second, 40, 8, cut)
    given = {"truncation": f"only_{cut or 'first'}", "max_length": 40, "stride": 8}
    theirs = tokenizer.inner(
        first, second, **given, return_overflowing_tokens=True, return_offsets_mapping=True,
        return_attention_mask=False, return_token_type_ids=tokenizer.uses_types,
    )  # fmt: skip
    assert found.ids.tolist() == [i for window in theirs["input_ids"] for i in window]
    assert found.lengths.tolist() == [len(window) for window in theirs["input_ids"]]
    assert found.owner.tolist() == theirs["overflow_to_sample_mapping"]
    if found.types is not None:
        assert found.types.tolist() == [i for window in theirs["token_type_ids"] for i in window]
    side = 1 if cut == "second" else 0
    owners = [owner == side for window in range(len(found.lengths)) for owner in theirs.sequence_ids(window)]
    assert (found.begin >= 0).tolist() == owners
    if kind == "word_piece":
        places = [place for window in theirs["offset_mapping"] for place in window]
        assert found.begin[owners].tolist() == [b for (b, _), own in zip(places, owners, strict=True) if own]
        assert found.end[owners].tolist() == [e for (_, e), own in zip(places, owners, strict=True) if own]
    assert len(found.owner) > len(long) * 1.5


@pytest.fixture(scope="module")
def pair(tokenizers: dict[str, TextTokenizer]) -> tuple[TextTokenizer, list[str], list[str]]:
    """A tokenizer, some questions and some contexts; a few of each are empty or long."""
    return tokenizers["word_piece"], [*texts(20, seed=6, pieces=12), ""], [*texts(20, seed=7, pieces=50), ""]


@given(st.integers(5, 120), st.integers(0, 130), st.sampled_from([None, "first", "second"]), st.booleans())
@settings(max_examples=60)
def test_every_token_is_fresh_once_and_no_window_is_too_long(
    pair: tuple[TextTokenizer, list[str], list[str]], length: int, stride: int, cut: Cut | None, alone: bool
) -> None:
    tokenizer, questions, contexts = pair
    found = made(tokenizer, contexts, None, length, stride) if alone else made(
        tokenizer, questions, contexts, length, stride, cut
    )  # fmt: skip
    side, other = (contexts, None) if alone else (questions, contexts) if cut == "first" else (contexts, questions)
    pieces = tokenizer.pieces(side)
    assert found.lengths.max() <= length
    assert set(found.owner.tolist()) == set(range(len(side))) and (np.diff(found.owner) >= 0).all()
    assert np.array_equal(found.ids[found.fresh], pieces.ids)
    assert np.array_equal(found.begin[found.fresh], pieces.begin)
    assert np.array_equal(found.end[found.fresh], pieces.end)
    counts = np.add.reduceat(found.fresh.astype(int), np.cumsum(found.lengths) - found.lengths)
    assert np.array_equal(np.bincount(found.owner, weights=counts), np.diff(pieces.starts))
    check_widest_context(found)
    if other is not None:
        had, content = np.diff(tokenizer.pieces(other).starts), np.diff(pieces.starts)
        crowded = (length - 3 - had < np.minimum(LEAST, content)) & (had > (length - 3) // 2)
        assert [row for row, _ in found.problems] == np.flatnonzero(crowded).tolist()


def check_widest_context(found: Windows) -> None:
    """BERT's own rule, tried for every token: the window with the most tokens on the poorer side, then the longest."""
    begins = np.cumsum(found.lengths) - found.lengths
    rows: dict[int, dict[int, list[tuple[int, int, int, bool]]]] = {}
    for number, (start, size) in enumerate(zip(begins.tolist(), found.lengths.tolist(), strict=True)):
        content = np.flatnonzero(found.begin[start : start + size] >= 0) + start
        for place, at in enumerate(content.tolist()):
            poorer = min(place, len(content) - 1 - place)
            seen = rows.setdefault(int(found.owner[number]), {}).setdefault(int(found.first[number]) + place, [])
            seen.append((poorer, len(content), -number, bool(found.fresh[at])))
    for tokens in rows.values():
        for seen in tokens.values():
            assert [fresh for *_, fresh in sorted(seen)] == [False] * (len(seen) - 1) + [True]


def test_a_long_question_is_cut_to_half_and_reported(tokenizers: dict[str, TextTokenizer]) -> None:
    tokenizer = tokenizers["word_piece"]
    question, context = "the " * 40 + "film", "a book was dull " * 30
    found = made(tokenizer, ["a film", question], [context, context], 43, 4)
    assert found.problems == ((1, "the first text has 41 tokens, its first 20 are used."),)
    of_second = found.owner == 1
    assert found.lengths[of_second].max() == 43
    begins = np.cumsum(found.lengths) - found.lengths
    for start in begins[of_second]:
        assert found.begin[start : start + 22].tolist() == [-1] * 22
        assert found.begin[start + 22] >= 0


def test_rows_are_counted_on_from_portion_to_portion(
    tokenizers: dict[str, TextTokenizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertune.data.portions.CHARACTERS", 1000)
    monkeypatch.setattr("bertune.data.portions.PORTION", 20)
    rows = ["a film", "", "x " * 600, "the book", *["a"] * 21]
    parts = list(windows(tokenizers["word_piece"], rows, None, 52, 0))
    assert [len(set(part.owner.tolist())) for part in parts] == [3, 20, 2]
    assert whole(parts).owner.tolist() == [0, 1, *[2] * 12, *range(3, len(rows))]


def test_windows_lie_in_a_store_as_texts_of_their_rows(tmp_path: Path, tokenizers: dict[str, TextTokenizer]) -> None:
    contexts = [tiny_models.sentences(1, seed=i)[0][0] * 4 for i in range(6)]
    found = made(tokenizers["word_piece"], ["a film"] * 6, contexts, 24, 4)
    encoded = Encoded(found.ids, found.types, found.lengths, found.owner)
    store = write(tmp_path / "store", [encoded], np.arange(6), "print")
    batch = store.batch(np.array([4, 2]))
    assert batch.texts == (found.owner == 4).sum() + (found.owner == 2).sum()
    kept = np.concatenate([np.flatnonzero(np.repeat(found.owner, found.lengths) == row) for row in (4, 2)])
    assert batch.ids.tolist() == found.ids[kept].tolist()
    assert batch.types is not None and batch.types.tolist() == found.types[kept].tolist()  # type: ignore[index]


@pytest.mark.parametrize(("stride", "count"), [(0, 6), (10, 8), (25, 11), (49, 11), (10_000, 11)])
def test_neighbours_share_what_is_asked_but_half_at_most(
    stride: int, count: int, tokenizers: dict[str, TextTokenizer]
) -> None:
    found = made(tokenizers["word_piece"], ["the film " * 150], None, 52, stride)
    shared = min(stride, 25)
    assert found.first.tolist() == [i * (50 - shared) for i in range(count)]
    assert count == 1 + -(-(300 - 50) // (50 - shared))


def test_no_room_is_an_error(tokenizers: dict[str, TextTokenizer]) -> None:
    with pytest.raises(DataError, match="too few"):
        list(windows(tokenizers["word_piece"], ["a"], ["b"], 4, 0))
    with pytest.raises(DataError, match="too few"):
        list(windows(tokenizers["byte_bpe"], ["a"], None, 2, 0))
    assert made(tokenizers["byte_bpe"], ["a film"], None, 3, 9).lengths.max() == 3
    assert list(windows(tokenizers["byte_bpe"], [], None, 3, 9)) == []


def test_words_outside_a_window_have_no_token() -> None:
    begin, end = np.array([-1, 4, 4, 6, 6, 9, -1]), np.array([-1, 4, 6, 6, 8, 15, -1])
    first, owner = word_tokens(begin, end, [(0, 3), (4, 8), (9, 12), (13, 15), (16, 18)])
    assert first.tolist() == [-1, 2, 5, 5, -1]
    assert owner.tolist() == [-1, -1, 1, -1, 1, 2, -1]
    assert [array.tolist() for array in word_tokens(begin, end, [])] == [[], [-1] * 7]


def cut(size: int, room: int, keep: str) -> list[int]:
    """What is left of so many tokens."""
    side = Side(np.arange(size), np.zeros(1, np.int64), np.array([size]))
    return cut_rows(Frame(((), ()), ((), ()), (0,)), [side], room, keep)[0].tolist()  # type: ignore[arg-type]


@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from(["head", "tail", "head_tail"]))
def test_what_is_cut_keeps_its_ends(size: int, room: int, keep: str) -> None:
    kept = cut(size, room, keep)
    assert len(kept) == min(size, room)
    if size > room:
        head = {"head": room, "tail": 0, "head_tail": round(room * 128 / 510)}[keep]
        assert kept == [*range(head), *range(size - room + head, size)]


def test_the_head_is_that_of_the_paper() -> None:
    assert cut(900, 510, "head_tail") == [*range(128), *range(900 - 382, 900)]
