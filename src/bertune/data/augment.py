"""Further copies of training rows, changed a little: a pure function of the rows, the recipe and the seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np

from bertune.base import registry
from bertune.base.seeds import generator
from bertune.base.settings import build
from bertune.base.types import Examples
from bertune.data.augmenters._augmenter import Augmenter
from bertune.data.texts import held
from bertune.data.tokenizer import Encoded, TextTokenizer


@dataclass(frozen=True)
class Copies:
    """How many copies of each training row are made, by which augmenter with which settings, from which seed."""

    name: str
    number: int
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """All that decides the copies of given rows, as a text."""
        return f"{self.name} {self.number} {self.seed} {sorted(self.settings.items())}"

    def augmenter(self, examples: Examples) -> Augmenter:
        """The augmenter, which has seen all texts of the training rows."""
        part: Augmenter = build(registry.load("augmenters", self.name), values=dict(self.settings))
        part.learn(text for text in chain(examples.texts, examples.pairs or ()) if text is not None)
        return part

    def rows(self, part: Augmenter, examples: Examples, copy: int) -> Examples:
        """Copy number `copy` of the rows with changed texts, in their order, with their gold."""
        if part.keeps_places:
            return examples
        pairs = None if examples.pairs is None else held(self._changed(part, examples.pairs, copy, "pair"))
        return replace(examples, texts=held(self._changed(part, examples.texts, copy, "text")), pairs=pairs)

    def _changed(self, part: Augmenter, texts: Sequence[str | None], copy: int, side: str) -> Iterator[str | None]:
        for row, text in enumerate(texts):
            changed = None if text is None else part.text(text, generator(self.seed, "augment", copy, side, row))
            yield changed if changed and changed.strip() else text

    def tokens(
        self, part: Augmenter, encoded: Iterator[Encoded], tokenizer: TextTokenizer, copy: int, rows: int
    ) -> Iterator[Encoded]:
        """The encoded texts of copy number `copy`, some tokens replaced, owned by rows that come after all before."""
        number = 0
        for one in encoded:
            owner = None if one.owner is None else one.owner + copy * rows
            if not part.keeps_places:
                yield replace(one, owner=owner)
                continue
            texts = np.split(one.ids, np.cumsum(one.lengths)[:-1])
            ids = [
                part.tokens(text, tokenizer, generator(self.seed, "augment", copy, number + n))
                for n, text in enumerate(texts)
            ]
            number += len(texts)
            yield replace(one, ids=np.concatenate(ids), owner=owner)
