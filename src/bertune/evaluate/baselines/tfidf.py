"""The word-count baseline."""

import re
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt
from scipy.sparse import csr_array, hstack
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from bertune.base import seeds
from bertune.base.types import Floats, Ints

HASHED = 2**20
LOOKED_AT = 2_000  # texts that decide between words and characters
MOST_WEIGHTS = 1_000_000  # features x classes: the optimiser holds some 25 copies in double precision
MOST_WORK = 1.2e10  # stored numbers x classes x iterations: about half a minute
MOST_ROWS, MOST_CHARACTERS = 200_000, 100_000_000
PORTION = 10_000  # rows answered at once
UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")


class Tfidf:
    """TF-IDF of words and word pairs (of 1 to 3 characters where texts have no spaces), with logistic regression.

    For pairs of texts: the features of both, apart, and how much they overlap. Memory is bounded: features are hashed,
    the commonest are kept, and optimiser steps fall as rows, features and classes grow. `most_features` bounds the
    features of each text, `strength` is the inverse L2 penalty.
    """

    def __init__(
        self, *, most_features: Annotated[int, Ge(1)] = 200_000, strength: Annotated[float, Gt(0)] = 10.0
    ) -> None:
        self.most_features, self.strength = most_features, strength
        self.shares: Floats = np.zeros(0)
        self.blocks: list[tuple[Ints, Floats]] = []
        self.model: Any = None
        self.vectorizer: Any = None

    def fit(self, texts: Sequence[str], pairs: Sequence[str] | None, targets: Ints, classes: int, seed: int) -> None:
        """Learn from texts[rows] (and pairs[rows]) with targets[rows]; of more than 200,000 rows or 100 million
        characters, from a sample."""
        targets = np.asarray(targets, dtype=np.int64)
        self.shares = np.bincount(targets, minlength=classes) / max(len(targets), 1)
        self.model = None
        most = _most_rows(texts, pairs)
        if len(targets) > most:
            kept = np.sort(seeds.generator(seed, "tfidf").choice(len(targets), most, replace=False))
            texts = [texts[i] for i in kept]
            pairs = None if pairs is None else [pairs[i] for i in kept]
            targets = targets[kept]
        seen = len(np.unique(targets))
        if seen > 1:
            self._learn(texts, pairs, targets, seen)

    def _learn(self, texts: Sequence[str], pairs: Sequence[str] | None, targets: Ints, seen: int) -> None:
        self.vectorizer = _vectorizer(texts)
        hashed = [self.vectorizer.transform(t) for t in (texts, pairs) if t is not None]
        room = min(self.most_features, MOST_WEIGHTS // seen // len(hashed))
        self.blocks = [_choose(h, max(room, 1)) for h in hashed]
        features = self._features(hashed)
        del hashed
        if not features.nnz:
            return
        steps = int(np.clip(MOST_WORK / (features.nnz * (1 if seen == 2 else seen)), 20, 200))
        with warnings.catch_warnings():
            # A bounded number of steps is meant; the weights are good long before they are exact.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model: Any = LogisticRegression(C=self.strength, tol=1e-4, max_iter=steps)
            self.model = model.fit(features, targets)

    def probabilities(self, texts: Sequence[str], pairs: Sequence[str] | None) -> Floats:
        """Probabilities [rows, classes]; a class without training rows gets 0."""
        if self.model is None or self.vectorizer is None:
            return np.tile(self.shares, (len(texts), 1))
        found = np.zeros((len(texts), len(self.shares)))
        for start in range(0, len(texts), PORTION):
            part = slice(start, start + PORTION)
            hashed = [self.vectorizer.transform(t[part]) for t in (texts, pairs) if t is not None]
            found[part, self.model.classes_] = self.model.predict_proba(self._features(hashed))
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def _features(self, hashed: list[Any]) -> Any:
        """TF-IDF [rows, features] of hashed counts, in float32, with the overlap of pairs beside it."""
        blocks = [_weigh(h[:, kept], rarity) for h, (kept, rarity) in zip(hashed, self.blocks, strict=True)]
        if len(hashed) == 2:
            blocks.append(_overlap(*hashed))
        if len(blocks) == 1:
            return blocks[0]
        return hstack(blocks, format="csr", dtype=np.float32)


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
