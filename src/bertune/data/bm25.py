"""BM25: how well texts fit a query by the words that both have."""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from bertune.base.types import Floats

WORD = re.compile(r"[\u3040-\u9fff\uf900-\ufaff]|\w+")  # words, or single characters of scripts without spaces
AT_ONCE = 8_000_000  # numbers computed at once: 64 MB


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; of scripts without spaces, its characters."""
    return WORD.findall(text.lower())


class Bm25Texts:
    """Texts whose words are counted, to be searched.

    Rare words count more, repeated ones less and less, in long texts less: `k1` bends how much repetition counts, `b`
    says how far length is taken into account.
    Source: Robertson and Zaragoza (2009), The probabilistic relevance framework, section 3.4, with the inverse document
    frequency log(1 + (N - n + 0.5) / (n + 0.5)) of Lucene, which is never below 0.
    """

    def __init__(self, texts: Iterable[str], k1: float = 1.2, b: float = 0.75) -> None:
        self._words: dict[str, int] = {}
        counts = _counts(texts, self._words, grow=True)
        self.weights = weights(counts, k1, b)
        """What each word of each text is worth: [texts, words], sparse."""

    def __len__(self) -> int:
        return int(self.weights.shape[0])

    def scores(self, queries: Sequence[str]) -> Iterator[Floats]:
        """How well each text fits: [some queries, texts], portion by portion in the order of the queries."""
        columns, size = self.weights.T, max(1, AT_ONCE // max(1, len(self)))
        for first in range(0, len(queries), size):
            asked = _counts(queries[first : first + size], self._words, grow=False)
            yield np.asarray((asked @ columns).toarray())


def weights(counts: Any, k1: float = 1.2, b: float = 0.75) -> Any:
    """What each word of each text is worth, from how often it occurs: both [texts, words], sparse."""
    table = counts.astype(np.float64)
    sizes = np.asarray(table.sum(axis=1)).ravel()
    holding: Floats = np.bincount(table.indices, minlength=table.shape[1]).astype(np.float64)
    rarity = np.log1p((table.shape[0] - holding + 0.5) / (holding + 0.5))
    longer = k1 * (1 - b + b * sizes / max(float(sizes.mean()) if len(sizes) else 0.0, 1e-12))
    of_text = np.repeat(longer, np.diff(table.indptr))
    table.data = rarity[table.indices] * table.data * (k1 + 1) / (table.data + of_text)
    return table


def _counts(texts: Iterable[str], words: dict[str, int], grow: bool) -> Any:
    """How often each word occurs, [texts, words], sparse; new words get the next numbers, or count for nothing."""
    found, often, ends = array("q"), array("q"), array("q", [0])
    for text in texts:
        for word, count in Counter(words_of(text)).items():
            number = words.setdefault(word, len(words)) if grow else words.get(word)
            if number is not None:
                found.append(number)
                often.append(count)
        ends.append(len(found))
    arrays = (np.array(often, np.float64), np.array(found, np.int64), np.array(ends, np.int64))
    return csr_array(arrays, shape=(len(ends) - 1, len(words)))
