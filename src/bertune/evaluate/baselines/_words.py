"""TF-IDF features of texts and pairs, with bounded memory: what the word-count baselines read."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize

from bertune.base import seeds
from bertune.base.types import Floats, Ints
from bertune.data.bm25 import words_of

HASHED = 2**20
LOOKED_AT = 2_000  # texts that decide between words and characters
MOST_ROWS, MOST_CHARACTERS = 200_000, 100_000_000
UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


def tokens(text: str) -> set[str]:
    """The words of a text in lower case; of scripts without spaces, its characters."""
    return set(words_of(text))


class Words:
    """TF-IDF of words and word pairs (of 1 to 3 characters where texts have no spaces); of pairs of texts those of
    both, apart, and how much they overlap."""

    def __init__(self, texts: Sequence[str], pairs: Sequence[str] | None, most: int) -> None:
        self.vectorizer = _vectorizer(texts)
        hashed = self._hashed(texts, pairs)
        self.blocks = [_choose(h, max(most // len(hashed), 1)) for h in hashed]
        self.first = self._features(hashed)

    def features(self, texts: Sequence[str], pairs: Sequence[str] | None) -> Any:
        """[rows, features] in float32; those of the texts given first are in `first`."""
        return self._features(self._hashed(texts, pairs))

    def _hashed(self, texts: Sequence[str], pairs: Sequence[str] | None) -> list[Any]:
        return [self.vectorizer.transform(t) for t in (texts, pairs) if t is not None]

    def _features(self, hashed: list[Any]) -> Any:
        blocks = [_weigh(h[:, kept], rarity) for h, (kept, rarity) in zip(hashed, self.blocks, strict=True)]
        if len(hashed) == 2:
            blocks.append(_overlap(*hashed))
        return blocks[0] if len(blocks) == 1 else hstack(blocks, format="csr", dtype=np.float32)


def sampled(texts: Sequence[str], pairs: Sequence[str] | None, rows: int, seed: int) -> Ints | None:
    """Which rows are learned from where they are more than 200,000 or hold more than 100 million characters."""
    most = _most_rows(texts, pairs)
    return None if rows <= most else np.sort(seeds.generator(seed, "tfidf").choice(rows, most, replace=False))


def _most_rows(texts: Sequence[str], pairs: Sequence[str] | None) -> int:
    characters = sum(map(len, texts)) + sum(map(len, pairs or ()))
    return min(MOST_ROWS, max(1, len(texts) * MOST_CHARACTERS // max(1, characters)))


def _vectorizer(texts: Sequence[str]) -> Any:
    """Counts of hashed words, or of characters where most texts are in a script that has no spaces."""
    looked = [texts[i] for i in np.unique(np.linspace(0, len(texts) - 1, LOOKED_AT).astype(int))]
    unspaced = sum(2 * len(UNSPACED.findall(t)) > sum(c.isalpha() for c in t) for t in looked)
    shape: dict[str, Any] = {"analyzer": "word", "ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
    if 2 * unspaced > len(looked):
        shape = {"analyzer": "char", "ngram_range": (1, 3)}
    shape |= {"n_features": HASHED, "alternate_sign": False, "norm": None, "dtype": np.float32}
    return HashingVectorizer(**shape)


def _choose(hashed: Any, most: int) -> tuple[Ints, Floats]:
    """The columns kept (the commonest, in two rows at least where any are) and their smoothed inverse frequency."""
    frequency = np.bincount(hashed.indices, minlength=HASHED)
    candidates = np.flatnonzero(frequency >= (2 if (frequency >= 2).any() else 1))
    kept = np.sort(candidates[np.argsort(-frequency[candidates], kind="stable")[:most]])
    rarity = np.log((1.0 + hashed.shape[0]) / (1.0 + frequency[kept])) + 1.0
    return kept, rarity.astype(np.float32)


def _weigh(counts: Any, rarity: Floats) -> Any:
    """(1 + log count) x rarity, each row of length 1."""
    weighed = counts.copy()
    if not weighed.nnz:
        return weighed
    weighed.data = (1.0 + np.log(weighed.data)) * rarity[weighed.indices]
    return normalize(weighed, copy=False)


def _overlap(first: Any, second: Any) -> Any:
    """[rows, 5]: share of the first's features found in the second and back, of both in either, and lengths."""
    a, b = first.astype(bool).astype(np.float32), second.astype(bool).astype(np.float32)
    both = np.asarray(a.multiply(b).sum(axis=1)).ravel()
    of_a, of_b = (np.asarray(m.sum(axis=1)).ravel() for m in (a, b))
    either = np.maximum(of_a + of_b - both, 1.0)
    longer = np.log1p(of_a) - np.log1p(of_b)
    columns = (both / np.maximum(of_a, 1.0), both / np.maximum(of_b, 1.0), both / either, longer, np.abs(longer))
    return csr_array(np.column_stack(columns).astype(np.float32))
