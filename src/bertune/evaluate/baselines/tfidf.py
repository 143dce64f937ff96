"""The word-count baseline."""

import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Gt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from bertune.base.types import Floats, Ints
from bertune.evaluate.baselines._baseline import OfClasses
from bertune.evaluate.baselines._words import Words, sampled

MOST_WEIGHTS = 1_000_000  # features x classes: the optimiser holds some 25 copies in double precision
MOST_WORK = 1.2e10  # stored numbers x classes x iterations: about half a minute
PORTION = 10_000  # rows answered at once


class Tfidf(OfClasses):
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
        self.model: Any = None
        self.words: Words | None = None

    def fit(self, texts: Sequence[str], pairs: Sequence[str] | None, targets: Ints, classes: int, seed: int) -> None:
        """Learn from texts[rows] (and pairs[rows]) with targets[rows]; of more than 200,000 rows or 100 million
        characters, from a sample."""
        targets = np.asarray(targets, dtype=np.int64)
        self.shares = np.bincount(targets, minlength=classes) / max(len(targets), 1)
        self.model = None
        kept = sampled(texts, pairs, len(targets), seed)
        if kept is not None:
            texts = [texts[i] for i in kept]
            pairs = None if pairs is None else [pairs[i] for i in kept]
            targets = targets[kept]
        seen = len(np.unique(targets))
        if seen > 1:
            self._learn(texts, pairs, targets, seen)

    def _learn(self, texts: Sequence[str], pairs: Sequence[str] | None, targets: Ints, seen: int) -> None:
        columns = 1 if pairs is None else 2
        self.words = Words(texts, pairs, min(self.most_features * columns, MOST_WEIGHTS // seen))
        features = self.words.first
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
        if self.model is None or self.words is None:
            return np.tile(self.shares, (len(texts), 1))
        found = np.zeros((len(texts), len(self.shares)))
        for start in range(0, len(texts), PORTION):
            part = slice(start, start + PORTION)
            features = self.words.features(texts[part], None if pairs is None else pairs[part])
            found[part, self.model.classes_] = self.model.predict_proba(features)
        return np.asarray(found / found.sum(axis=1, keepdims=True))
