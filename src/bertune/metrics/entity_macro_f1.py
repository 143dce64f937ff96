"""Macro-F1 of entities."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio
from bertune.metrics._spans import OfSpans


class EntityMacroF1(OfSpans):
    """Mean F1 of the types of entities, each counting alike, in [0, 1].

    The mean runs over the types that occur in gold or guess; 0 where none does. Types that are not among `classes`
    count together as one more type. Reference: seqeval.metrics.f1_score(mode="strict", average="macro").
    """

    def entries(self, judged: Judged) -> Floats:
        """Spans right, in gold and guessed of each row and type [rows, 3 x (types + 1)]."""
        number = {name: k for k, name in enumerate(judged.classes)}
        counts = np.zeros((len(judged), 3, len(number) + 1))
        for row, (gold, guess) in enumerate(zip(judged.gold, judged.guess, strict=True)):
            for kind, spans in enumerate((set(gold) & set(guess), set(gold), set(guess))):
                np.add.at(counts[row, kind], _types(spans, number), 1.0)
        return counts.reshape(len(judged), 3 * (len(number) + 1))

    def of_sums(self, sums: Floats) -> Floats:
        """Mean of the F1 of the types that occur."""
        right, gold, guess = np.split(sums, 3, axis=-1)
        present = np.sum(gold + guess > 0, axis=-1).astype(np.float64)
        return ratio(np.sum(ratio(2.0 * right, gold + guess), axis=-1), present)


def _types(spans: Iterable[tuple[int, int, Any]], number: dict[str, int]) -> list[int]:
    return [number.get(kind, len(number)) for _, _, kind in spans]
