"""The word-count baselines: of classes, of several labels, of numbers."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from bertune.base.types import Examples, Floats, Guesses, Ints
from bertune.evaluate.baselines._baseline import Baseline, OfClasses
from bertune.evaluate.baselines._words import Words, sampled
from bertune.evaluate.logistic import logistic

PARTS = ("tfidf", "tfidf_labels", "tfidf_ridge")
MOST_WEIGHTS = 1_000_000  # features x classes: the optimiser holds some 25 copies in double precision
MOST_WORK = 1.2e10  # stored numbers x classes x iterations: about half a minute
PORTION = 10_000  # rows answered at once


class Tfidf(OfClasses):
    """TF-IDF of words and word pairs (of 1 to 3 characters where texts have no spaces), with logistic regression.

    For pairs of texts: the features of both, apart, and how much they overlap. Memory is bounded: features are hashed,
    the commonest are kept, and optimiser steps fall as rows, features and classes grow. `most_features` bounds the
    features of each text, `strength` is the inverse L2 penalty, and learning ends once no component of the gradient
    exceeds the `tolerance`.
    """

    def __init__(
        self, *, most_features: Annotated[int, Ge(1)] = 200_000, strength: Annotated[float, Gt(0)] = 10.0,
        tolerance: Annotated[float, Gt(0)] = 1e-4,
    ) -> None:  # fmt: skip
        self.most_features, self.strength, self.tolerance = most_features, strength, tolerance
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
        self.model = logistic(features, targets, strength=self.strength, tolerance=self.tolerance, steps=steps)

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


class TfidfLabels(Baseline):
    """TF-IDF of words and word pairs, with a logistic regression for each label; given are those of at least 0.3."""

    kinds: ClassVar[tuple[str, ...]] = ("labels",)

    def __init__(self) -> None:
        self.models: list[Tfidf] = []

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Learn from training rows, label by label."""
        self.models = []
        for k in range(len(classes)):
            model = Tfidf(most_features=20_000)
            model.fit(list(examples.texts), _all(examples.pairs), np.asarray(targets[:, k] > 0.5, np.int64), 2, seed)  # type: ignore[arg-type]
            self.models.append(model)

    def guesses(self, examples: Examples) -> Guesses:
        """A probability for each label of each row."""
        texts, pairs = list(examples.texts), _all(examples.pairs)
        chances = np.column_stack([m.probabilities(texts, pairs)[:, 1] for m in self.models])  # type: ignore[arg-type]
        return Guesses(chances >= 0.3, chances)


class TfidfRidge(Baseline):
    """TF-IDF of words and word pairs, with ridge regression; `strength` is the inverse L2 penalty."""

    kinds: ClassVar[tuple[str, ...]] = ("value",)

    def __init__(
        self, *, most_features: Annotated[int, Ge(1)] = 200_000, strength: Annotated[float, Gt(0)] = 1.0
    ) -> None:
        self.most_features, self.strength = most_features, strength
        self.words: Words | None = None
        self.model: Any = None

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Learn from training rows with numbers."""
        kept = sampled(examples.texts, examples.pairs, len(targets), seed)  # type: ignore[arg-type]  # all have texts
        if kept is not None:
            examples, targets = examples.take(kept), targets[kept]
        self.words = Words(list(examples.texts), _all(examples.pairs), self.most_features)  # type: ignore[arg-type]
        model: Any = Ridge(alpha=1.0 / self.strength, solver="sparse_cg", tol=1e-3)
        self.model = model.fit(self.words.first, np.asarray(targets, dtype=np.float64))

    def guesses(self, examples: Examples) -> Guesses:
        """A number for each row."""
        assert self.words is not None
        features = self.words.features(list(examples.texts), _all(examples.pairs))  # type: ignore[arg-type]
        return Guesses(np.asarray(self.model.predict(features), dtype=np.float64))


def _all(texts: Sequence[Any] | None) -> list[Any] | None:
    return None if texts is None else list(texts)
