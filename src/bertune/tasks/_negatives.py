"""Hard negatives: texts that look right by their words and are not, found among the rows themselves."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np

from bertune.base.errors import DataError
from bertune.base.types import Examples, Floats, Ints
from bertune.data.bm25 import Bm25Texts, words_of
from bertune.tasks._rankings import digest_of, right_texts
from bertune.tasks._vectors import MORE_TEXTS

MOST_TEXTS = 200_000  # searched; of more every second, third, … one
LIKENESS = 0.7  # share of words from which a text is taken for the right one in other words
LOOKED_AT = 50  # of the best texts, beyond those that are wanted


class WithMined(Sequence[tuple[str, ...]]):
    """The negatives of each row: those that were given, then those at places[rows, most] of `texts` (-1: none)."""

    def __init__(self, given: Sequence[Any] | None, texts: Sequence[str | None], places: Ints) -> None:
        self._given, self._texts, self._places = given, texts, places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, at: int) -> tuple[str, ...]: ...
    @overload
    def __getitem__(self, at: slice) -> "WithMined": ...
    def __getitem__(self, at: int | slice) -> "tuple[str, ...] | WithMined":
        if isinstance(at, slice):
            return self.take(np.arange(*at.indices(len(self))))
        given = tuple(self._given[at]) if self._given is not None else ()
        return (*given, *(self._texts[place] or "" for place in self._places[at].tolist() if place >= 0))

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return (self[row] for row in range(len(self)))

    def take(self, positions: Ints) -> "WithMined":
        """The rows at these positions, in this order."""
        given = None if self._given is None else [self._given[i] for i in positions.tolist()]
        return WithMined(given, self._texts, self._places[positions])


def with_mined(examples: Examples, most: int, fill: bool = False) -> Examples:
    """The rows with up to `most` hard negatives each, after those that they have.

    For each first text the second texts of other rows that BM25 finds best, if they share a word with it at all; never
    one that belongs to it in some row, nor one that shares 70 % of its words with such a one: that is likely right too.
    With `fill` texts without a common word, chosen by chance (of the first text alone), make up the number.
    Source: Karpukhin et al. (2020), Dense passage retrieval, section 3.2 (BM25 passages as hard negatives); that many
    unlabelled ones are right: Qu et al. (2021), RocketQA, section 3.2.
    """
    assert examples.pairs is not None
    if not most or not len(examples):
        return examples
    places, documents = _distinct(examples.pairs)
    found = np.full((len(examples), most), -1, np.int64)
    given = examples.more.get(MORE_TEXTS)
    right, done = right_texts(examples), 0
    for scores in Bm25Texts(documents).scores([text or "" for text in examples.texts]):
        for row in scores:
            query = examples.texts[done] or ""
            barred = [query, *right[query], *(given[done] if given is not None else ())]
            chosen = _chosen(_by_score(row, most + len(barred) + LOOKED_AT), documents, barred, right[query], most)
            if fill and len(chosen) < most:
                start = digest_of(query) % len(documents)
                others = (*chosen, *(np.arange(start, start + len(documents)) % len(documents)).tolist())
                chosen = _chosen(dict.fromkeys(others), documents, barred, right[query], most)
            found[done, : len(chosen)] = places[chosen]
            done += 1
    return replace(examples, more={**examples.more, MORE_TEXTS: WithMined(given, examples.pairs, found)})


def with_some(examples: Examples) -> Examples:
    """The same rows. Raises DataError where none has a negative."""
    if not any(examples.more.get(MORE_TEXTS, ())):
        raise DataError(
            "no hard negatives are found: no text shares a word with another row's.",
            expected="rows of one language with different second texts, or a column `negative`",
            next_move="--set task.hard_negatives=0, or add the column",
        )  # fmt: skip
    return examples


def _distinct(texts: Sequence[str | None]) -> tuple[Ints, list[str]]:
    """The first place of each different text, and the texts; of too many some at equal distances."""
    first: dict[str, int] = {}
    for place, text in enumerate(texts):
        if text is not None:
            first.setdefault(text, place)
    step = -(-len(first) // MOST_TEXTS) or 1
    kept = list(first.items())[::step]
    return np.array([place for _, place in kept], np.int64), [text for text, _ in kept]


def _by_score(scores: Floats, most: int) -> list[int]:
    """The places of the best scores above 0, the best first; of equals the earlier."""
    wide = min(len(scores), most)
    best = np.argpartition(-scores, wide - 1)[:wide] if wide else np.zeros(0, np.int64)
    best = best[scores[best] > 0]
    return [int(place) for place in best[np.lexsort((best, -scores[best]))]]


def _chosen(
    places: Iterable[int], documents: Sequence[str], barred: Sequence[str], right: Sequence[str], most: int
) -> list[int]:
    """The first documents at these places that may be taken for wrong."""
    known, sets = set(barred), [set(words_of(text)) for text in right]
    chosen: list[int] = []
    for place in places:
        if len(chosen) == most:
            break
        if documents[place] not in known and not _likely_right(documents[place], sets):
            chosen.append(place)
    return chosen


def _likely_right(text: str, right: Sequence[set[str]]) -> bool:
    words = set(words_of(text))
    return any(len(words & other) >= LIKENESS * len(words | other) for other in right)
