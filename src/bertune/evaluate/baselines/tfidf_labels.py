"""The word-count baseline of several labels."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Examples, Guesses
from bertune.evaluate.baselines._baseline import Baseline
from bertune.evaluate.baselines.tfidf import Tfidf


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


def _all(texts: Sequence[Any] | None) -> list[Any] | None:
    return None if texts is None else list(texts)
