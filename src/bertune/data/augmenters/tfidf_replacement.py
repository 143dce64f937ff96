"""Words that tell little replaced by others that tell little."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated

import numpy as np
from annotated_types import Gt, Le
from numpy.random import Generator
from pydantic import Field

from bertune.base.types import Floats
from bertune.data.augmenters._augmenter import Augmenter, changeable, rebuilt


class TfidfReplacement(Augmenter):
    """Words that tell little about a text replaced by words of the training texts that tell little about any.

    A word of a text is replaced with a probability that falls with its TF-IDF there, on average `share`; what replaces
    it is drawn from all words, less likely the higher its frequency times IDF. So the words that a text stands out by
    stay, and no dictionary is needed; of Chinese and its like, characters. The words are those of the training rows.
    Source: Xie et al. 2020, Unsupervised data augmentation for consistency training, appendix on TF-IDF based word
    replacement.
    """

    def __init__(
        self,
        *,
        share: Annotated[float, Gt(0), Le(1), Field(description="share of the words replaced, on average")] = 0.2,
    ) -> None:
        self._share = share
        self._words: list[str] = []
        self._idf: dict[str, float] = {}
        self._until: Floats = np.zeros(0)

    def learn(self, texts: Iterable[str]) -> None:
        """Count the words of the training texts, and the texts that each is in."""
        counts: Counter[str] = Counter()
        inside: Counter[str] = Counter()
        total = 0
        for text in texts:
            total += 1
            words = [text[start:end] for start, end in changeable(text)]
            counts.update(words)
            inside.update(set(words))
        self._words = sorted(counts)
        idf = np.log(total / np.array([inside[word] for word in self._words], dtype=np.float64))
        self._idf = dict(zip(self._words, idf.tolist(), strict=True))
        told = np.array([counts[word] for word in self._words]) / max(counts.total(), 1) * idf
        spare = told.max(initial=0.0) - told
        self._until = np.cumsum(spare if spare.any() else np.ones(len(spare)))

    def text(self, text: str, random: Generator) -> str:
        """The text with some words replaced; where all tell the same, as it is."""
        words = changeable(text)
        held = [text[start:end] for start, end in words]
        inside = Counter(held)
        told = np.array([inside[word] / len(held) * self._idf.get(word, 0.0) for word in held])
        spare = told.max(initial=0.0) - told
        if not self._words or not spare.any():
            return text
        replaced = random.random(len(held)) < self._share * spare / spare.mean()
        drawn = np.searchsorted(self._until, random.random(len(held)) * self._until[-1], side="right")
        new = [self._words[i] if swap else word for word, swap, i in zip(held, replaced, drawn.tolist(), strict=True)]
        return rebuilt(text, words, new)
