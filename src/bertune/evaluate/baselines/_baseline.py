"""What the baselines share."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Examples, Floats, Guesses, Ints


class Baseline:
    """Something simple that learns from training rows and answers others, to stand beside the model.

    `kinds` are the kinds of judgings it gives guesses for.
    """

    kinds: ClassVar[tuple[str, ...]]

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Learn from training rows: examples with gold, and targets[rows] as the task has them."""
        raise NotImplementedError

    def guesses(self, examples: Examples) -> Guesses:
        """Answers to rows; their gold is not looked at."""
        raise NotImplementedError


class OfClasses(Baseline):
    """A baseline that gives every class a probability."""

    kinds: ClassVar[tuple[str, ...]] = ("class",)

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Learn from training rows with class numbers."""
        self.fit(_present(examples.texts), _present(examples.pairs), targets, len(classes), seed)

    def guesses(self, examples: Examples) -> Guesses:
        """The most probable class of each row."""
        texts = _present(examples.texts)
        assert texts is not None
        probabilities = self.probabilities(texts, _present(examples.pairs))
        return Guesses(np.asarray(probabilities.argmax(axis=1), dtype=np.int64), probabilities)

    def fit(self, texts: Any, pairs: Any, targets: Ints, classes: int, seed: int) -> None:
        """Learn from texts[rows] (and pairs[rows]) with targets[rows]."""
        raise NotImplementedError

    def probabilities(self, texts: Any, pairs: Any) -> Floats:
        """Probabilities [rows, classes]."""
        raise NotImplementedError


def _present(texts: Sequence[str | None] | None) -> Any:
    """Texts of rows that all have them."""
    return texts
