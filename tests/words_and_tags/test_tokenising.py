"""Rows become tokens: as the tokenizer itself makes and cuts them, the same from any number of threads, once."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from any_texts import PIECES, texts
from four_tokenizers import KINDS
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.errors import DataError, ModelError
from bertune.base.threads import in_order
from bertune.data.portions import plain_calls
from bertune.data.store import write
from bertune.data.texts import held
from bertune.data.tokenizer import Encoded, TextTokenizer

TEXTS = st.lists(st.one_of(st.sampled_from([*PIECES, " "]), st.characters(codec="utf-8")), max_size=20).map("".join)
ODD = ["", None, "😀" * 300, "the film " * 3000, " ", "a", "\u200d", "x" * 5000]


def whole(parts: Iterator[Encoded]) -> list[list[int]]:
    """Ids, types and lengths of all portions."""
    held = list(parts)
    found = [np.concatenate([getattr(part, name) for part in held]).tolist() for name in ("ids", "lengths")]
    return [*found, *([np.concatenate([part.types for part in held]).tolist()] if held[0].types is not None else [])]


def usual(tokenizer: TextTokenizer, rows: Sequence[str], pairs: Sequence[str] | None, size: int) -> list[list[int]]:
    """What the tokenizer itself makes of rows, which are cut by it."""
    found = tokenizer.inner(list(rows), pairs and list(pairs), truncation="longest_first", max_length=size)
    names = ["input_ids", *(["token_type_ids"] if tokenizer.uses_types and pairs else [])]
    ids, *types = ([number for row in found[name] for number in row] for name in names)
    return [ids, [len(row) for row in found["input_ids"]], *types]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("paired", [False, True])
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6), size=st.integers(6, 40))
@settings(max_examples=40, deadline=None)
def test_rows_are_those_of_the_tokenizer(kind, paired, tokenizers, rows, size) -> None:
    tokenizer = tokenizers[kind]
    first, second = [a for a, _ in rows], [b for _, b in rows] if paired else None
    assert whole(tokenizer.encode(first, second, size)) == usual(tokenizer, first, second, size)


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_longer_text_of_a_pair_is_cut_first(side, tokenizers, monkeypatch) -> None:
    """Two texts of all sizes around the half of the room, odd and even."""
    tokenizer = tokenizers["word_piece"]
    monkeypatch.setattr(tokenizer.inner, "truncation_side", side)
    words = ["the", "a", "film", "book", "meal", "day", "room", "song", "plot", "cast"] * 3
    sizes = (0, 1, 2, 7, 8, 9, 10, 15, 30)
    rows = [" ".join(words[:first]) for first in sizes for _ in sizes]
    pairs = [" ".join(words[:second][::-1]) for _ in sizes for second in sizes]
    for size in range(6, 24):
        assert whole(tokenizer.encode(rows, pairs, size)) == usual(tokenizer, rows, pairs, size)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_and_unknown_ones_are_counted(kind, tokenizers) -> None:
    tokenizer, rows = tokenizers[kind], texts(300, seed=5)
    for pairs in (None, rows[::-1]):
        lengths, unknown = tokenizer.lengths(rows, pairs)
        whole = tokenizer.inner(rows, pairs)["input_ids"]
        assert lengths.tolist() == [len(row) for row in whole]
        assert unknown.tolist() == [row.count(tokenizer.unknown_id) for row in whole]
    assert kind != "word_piece" or unknown.any()


@pytest.mark.parametrize("kind", ["word_piece", "byte_bpe"])
@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("keep", ["head", "tail", "head_tail"])
def test_stores_are_the_same_from_any_number_of_threads(
    kind, paired, keep, tokenizer_folders, tmp_path, monkeypatch
) -> None:
    """Threads or none, tokens kept or made again: the files of a store hold the same bytes."""
    monkeypatch.setattr("bertune.data.portions.PORTION", 37)
    monkeypatch.setattr("bertune.data.portions.CHARACTERS", 9000)
    rows = [*texts(400, seed=6), *ODD]
    pairs = [*ODD, *texts(400, seed=7)] if paired else None
    stores = []
    for threads, kept in ((1, False), (1, True), (2, False), (2, True), (5, True)):
        tokenizer = TextTokenizer(tokenizer_folders[kind], threads=threads)
        first, second = (rows, pairs) if not kept else (held(rows), None if pairs is None else held(pairs))
        lengths, _ = tokenizer.lengths(first, second)
        if kept:
            monkeypatch.setattr(tokenizer, "_tokenized", None)
        folder = tmp_path / f"{threads}-{kept}"
        store = write(folder, tokenizer.encode(first, second, 24, keep), np.zeros(len(rows)), "print")
        assert store.lengths.tolist() == np.minimum(lengths, 24).tolist()
        stores.append({file.name: file.read_bytes() for file in folder.iterdir()})
    assert all(store == stores[0] for store in stores[1:])


def test_tokens_of_some_kept_rows_in_any_order(tokenizers, monkeypatch) -> None:
    tokenizer, rows, pairs = tokenizers["word_piece"], held(texts(200, seed=8)), held(texts(200, seed=9))
    some = np.random.default_rng(0).permutation(200)[:90]
    again = [rows.take(some), pairs.take(some)]
    made = whole(tokenizer.encode(*again, 20))
    tokenizer.lengths(rows, pairs)
    with monkeypatch.context() as patch:
        patch.setattr(tokenizer, "_tokenized", None)
        assert whole(tokenizer.encode(*again, 20)) == made
        assert whole(tokenizer.encode(again[1].take(np.arange(4)), None, 20))[1] == made_alone(tokenizer, again[1], 4)
    other = held(texts(50, seed=10))
    tokenizer.lengths(other, None)
    assert whole(tokenizer.encode(*again, 20)) == made, "those kept before are made again"


def made_alone(tokenizer: TextTokenizer, rows: Sequence[str | None], count: int) -> list[int]:
    """The lengths of the first rows as the tokenizer itself gives them."""
    return [len(tokenizer.inner(rows[i] or "", truncation=True, max_length=20)["input_ids"]) for i in range(count)]


def test_too_little_room_is_an_error(tokenizers) -> None:
    with pytest.raises(DataError, match="3 tokens are too few"):
        list(tokenizers["word_piece"].encode(["a"], ["b"], 3))


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_thread_is_that_of_the_tokenizer(threads, tokenizer_folders, monkeypatch) -> None:
    monkeypatch.setattr("bertune.data.portions.PORTION", 3)
    tokenizer = TextTokenizer(tokenizer_folders["word_piece"], threads=threads)
    before = threading.active_count()
    rows = [*["a"] * 50, "Ω", *["a"] * 50]
    with monkeypatch.context() as patch, pytest.raises(ModelError, match="the tokenizer is not the model's"):
        patch.setattr(tokenizer, "_known", int(tokenizer.inner.vocab["the"]))
        list(tokenizer.encode([*rows, "the film"], None, 16))
    tokenizer.inner.backend_tokenizer.model.unk_token = "[NOWHERE]"
    with pytest.raises(ModelError, match="the tokenizer gave up on a text"):
        tokenizer.lengths(rows, None)
    assert threading.active_count() == before and "bertune" not in str(threading.enumerate())


def test_the_tokenizer_may_be_called_by_others_in_between(tokenizers, monkeypatch) -> None:
    tokenizer, rows = tokenizers["word_piece"], ["the film was dull", "a"]
    made = whole(tokenizer.encode(rows, None, 50))
    tokenizer.inner(rows, truncation=True, max_length=3, padding="max_length", split_special_tokens=True)
    assert whole(tokenizer.encode(rows, None, 50)) == made


def test_the_environment_is_as_before(tokenizers, monkeypatch) -> None:
    for value in ("true", None):
        monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
        if value is not None:
            monkeypatch.setenv("TOKENIZERS_PARALLELISM", value)
        one, two = (plain_calls(tokenizers["word_piece"].inner) for _ in range(2))
        one.__enter__()
        two.__enter__()
        one.__exit__(None, None, None)
        assert os.environ["TOKENIZERS_PARALLELISM"] == "false"
        two.__exit__(None, None, None)
        assert os.environ.get("TOKENIZERS_PARALLELISM") == value


def test_results_come_in_order_and_no_more_is_taken_than_needed() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    def work(number: int) -> tuple[int, str]:
        time.sleep(0.002 * (number % 3))
        return number, threading.current_thread().name

    found = []
    for result in in_order(work, items(), 3):
        found.append(result)
        assert len(taken) <= len(found) + 3
    assert [number for number, _ in found] == list(range(20))
    assert all(name.startswith("bertune") for _, name in found)
    assert {name for _, name in in_order(work, range(3), 1)} == {threading.current_thread().name}
    assert list(in_order(work, [], 2)) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_nothing_works_on_after_an_end(threads) -> None:
    done: list[int] = []

    def work(number: int) -> int:
        time.sleep(0.01)
        done.append(number)
        if number == 4:
            raise ValueError(number)
        return number

    with pytest.raises(ValueError, match="4"):
        list(in_order(work, range(100), threads))
    results = in_order(work, range(4), threads)
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]
    seen = len(done)
    time.sleep(0.05)
    assert len(done) == seen and seen < 13
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bertune")]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX timers")
def test_a_signal_ends_it_at_once(tokenizer_folders: dict[str, Path]) -> None:
    class Ended(BaseException):
        """What the handler raises."""

    def end(*_: object) -> None:
        raise Ended

    tokenizer = TextTokenizer(tokenizer_folders["byte_bpe"], threads=2)
    before = signal.signal(signal.SIGALRM, end)
    began = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(Ended):
            for _ in range(100_000):
                tokenizer.lengths(held(["the film was quite dull " * 20] * 5000), None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 60
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bertune")]
