"""The baseline of multiple choice that counts shared words."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Examples, Guesses
from bertune.evaluate.baselines._baseline import Baseline
from bertune.evaluate.baselines._words import tokens


class ChoiceOverlap(Baseline):
    """The choice that shares most words with its text, rare words counting more; of scripts without spaces, characters.

    How rare a word is, the training rows' texts say.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class",)

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.rows, self.classes = 1, 2

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Count in how many rows each word occurs."""
        self.rows, self.classes = max(1, len(examples)), len(classes)
        for i in range(len(examples)):
            self.seen.update(self._words(examples, i))

    def guesses(self, examples: Examples) -> Guesses:
        """The choice with most in common; of equals the first."""
        most = max([self.classes, *(len(choices) for choices in examples.more["choices"])])
        chances = np.zeros((len(examples), most))
        for i, choices in enumerate(examples.more["choices"]):
            words = self._words(examples, i)
            shared = np.array([self._weight(tokens(choice), words) for choice in choices])
            chances[i, : len(choices)] = (shared + 0.01) / (shared + 0.01).sum()
        return Guesses(chances.argmax(axis=1), chances)

    def _words(self, examples: Examples, i: int) -> set[str]:
        pair = examples.pairs[i] if examples.pairs is not None else None
        return tokens(f"{examples.texts[i] or ''} {pair or ''}")

    def _weight(self, choice: set[str], words: set[str]) -> float:
        common = choice & words
        rarity = sum(math.log(1 + self.rows / (1 + self.seen[word])) for word in common)
        return rarity / math.sqrt(1 + len(choice))
