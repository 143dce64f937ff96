"""The baseline of question answering that counts shared words."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Examples, Guesses
from bertune.evaluate.baselines._baseline import Baseline
from bertune.evaluate.baselines._words import tokens

SENTENCES = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")


class SentenceOverlap(Baseline):
    """The sentence of the context that shares most words with the question, rare words counting more."""

    kinds: ClassVar[tuple[str, ...]] = ("answer",)

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.rows = 1

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Count in how many contexts each word occurs."""
        contexts = set(examples.pairs or ())
        self.rows = max(1, len(contexts))
        for context in contexts:
            self.seen.update(tokens(context or ""))

    def guesses(self, examples: Examples) -> Guesses:
        """A sentence for each row; of equals the first."""
        assert examples.pairs is not None
        guess = np.empty(len(examples), object)
        told = []
        for row, (question, context) in enumerate(zip(examples.texts, examples.pairs, strict=True)):
            words = tokens(question or "")
            sentences = [found.group().strip() for found in SENTENCES.finditer(context or "")] or [context or ""]
            guess[row] = max(sentences, key=lambda sentence: self._weight(tokens(sentence) & words))
            told.append([{"text": guess[row], "start": None, "end": None, "probability": 1.0}])
        return Guesses(guess, None, {"answers": told})

    def _weight(self, words: set[str]) -> float:
        return sum(math.log(1 + self.rows / (1 + self.seen[word])) for word in words)
