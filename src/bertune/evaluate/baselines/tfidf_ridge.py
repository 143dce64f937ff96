"""The word-count baseline of numbers."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from bertune.base.types import Examples, Guesses
from bertune.evaluate.baselines._baseline import Baseline
from bertune.evaluate.baselines._words import Words, sampled


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
