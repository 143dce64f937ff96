"""The baseline of retrieval that counts words."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bertune.base.types import Examples, Floats, Guesses
from bertune.evaluate.baselines._baseline import Baseline
from bertune.evaluate.baselines._words import TOKENS
from bertune.tasks._rankings import objects, ranked

PORTION = 256  # queries compared at once


class Bm25(Baseline):
    """BM25: words that both texts have count, rare ones more, repeated ones less and less, in long texts less.

    `k1` bends how much repetition counts, `b` says how far length is taken into account; words are lower-cased runs of
    letters and digits, of scripts without spaces single characters.
    Source: Robertson and Zaragoza (2009), The probabilistic relevance framework, section 3.4, with the inverse document
    frequency log(1 + (N - n + 0.5) / (n + 0.5)) of Lucene, which is never below 0.
    """

    kinds: ClassVar[tuple[str, ...]] = ("ranking",)

    def __init__(self, *, k1: Annotated[float, Ge(0)] = 1.2, b: Annotated[float, Ge(0), Le(1)] = 0.75) -> None:
        self.k1, self.b = k1, b

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Nothing: the words are counted in the texts that are searched."""

    def guesses(self, examples: Examples) -> Guesses:
        """The best second texts of all rows for each first text."""
        assert examples.pairs is not None
        documents = list(dict.fromkeys(pair or "" for pair in examples.pairs))
        words: dict[str, int] = {}
        weights = self.weights([_counts(text, words) for text in documents], len(words))
        found: list[tuple[str, ...]] = []
        for start in range(0, len(examples), PORTION):
            texts = examples.texts[start : start + PORTION]
            asked = [{w: n for w, n in _counts(t or "", words).items() if w < weights.shape[1]} for t in texts]
            scores = (_table(asked, weights.shape[1]) @ weights.T).toarray()
            found += ranked(scores, documents)
        return Guesses(objects(found))

    def weights(self, counts: Sequence[dict[int, int]], words: int) -> Any:
        """What each word of each document is worth: [documents, words], sparse."""
        table = _table(counts, words)
        sizes = np.asarray(table.sum(axis=1)).ravel()
        holding: Floats = np.bincount(table.indices, minlength=words).astype(np.float64)
        rarity = np.log1p((len(counts) - holding + 0.5) / (holding + 0.5))
        longer = self.k1 * (1 - self.b + self.b * sizes / max(float(sizes.mean()), 1e-12))
        of_document = np.repeat(longer, np.diff(table.indptr))
        table.data = rarity[table.indices] * table.data * (self.k1 + 1) / (table.data + of_document)
        return table


def _counts(text: str, words: dict[str, int]) -> dict[int, int]:
    """How often each word occurs; words not seen before get the next numbers."""
    return dict(Counter(words.setdefault(word, len(words)) for word in TOKENS.findall(text.lower())))


def _table(counts: Sequence[dict[int, int]], words: int) -> Any:
    indices = np.array([word for of in counts for word in of], np.int64)
    data = np.array([n for of in counts for n in of.values()], np.float64)
    starts = np.concatenate([[0], np.cumsum([len(of) for of in counts])]).astype(np.int64)
    return csr_array((data, indices, starts), shape=(len(counts), words))
