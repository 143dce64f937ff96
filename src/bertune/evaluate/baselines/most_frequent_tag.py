"""The baseline of entities that knows words alone."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Examples, Guesses
from bertune.evaluate.baselines._baseline import Baseline

LONGEST = 10  # words of an entity that is looked up


class MostFrequentTag(Baseline):
    """Entities of the training rows wherever their words occur again, with their commonest type; the longest first.

    Words that were more often outside of every entity than inside of this one are left alone.
    """

    kinds: ClassVar[tuple[str, ...]] = ("spans",)

    def __init__(self) -> None:
        self.kind_of: dict[tuple[str, ...], str] = {}

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Count the words of every entity, and how often they occur at all."""
        assert examples.gold is not None
        kinds: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for row in range(len(examples)):
            words = _words(examples, row)
            for entity in examples.gold[row] or ():
                kinds[tuple(words[entity.first : entity.last])][entity.kind] += 1
        seen: Counter[tuple[str, ...]] = Counter()
        for row in range(len(examples)):
            words = _words(examples, row)
            for start in range(len(words)):
                for end in range(start + 1, min(start + LONGEST, len(words)) + 1):
                    if tuple(words[start:end]) in kinds:
                        seen[tuple(words[start:end])] += 1
        self.kind_of = {w: c.most_common(1)[0][0] for w, c in kinds.items() if 2 * c.total() >= seen[w]}

    def guesses(self, examples: Examples) -> Guesses:
        """The entities whose words were met."""
        guess = np.empty(len(examples), object)
        for row in range(len(examples)):
            guess[row] = tuple(self._found(_words(examples, row)))
        return Guesses(guess, None, {"entities": [[] for _ in range(len(examples))]})

    def _found(self, words: list[str]) -> list[tuple[int, int, str]]:
        found, start = [], 0
        while start < len(words):
            ends = range(min(start + LONGEST, len(words)), start, -1)
            end = next((end for end in ends if tuple(words[start:end]) in self.kind_of), None)
            if end is not None:
                found.append((start, end, self.kind_of[tuple(words[start:end])]))
            start = end or start + 1
        return found


def _words(examples: Examples, row: int) -> list[str]:
    text = examples.texts[row] or ""
    return [text[start:end] for start, end in examples.more["words"][row]]
