"""The tables beside the scores of answers."""

from typing import Any

import numpy as np

from bertune.base.types import Judged, Tuned
from bertune.metrics._answer_kinds import KINDS, kind_of

EXAMPLES = 50


class OfAnswer:
    """How many answers are exact, touch the gold, miss it, were invented or withheld."""

    def __init__(self) -> None:
        pass

    def __call__(
        self, judged: Judged, before: Judged | None, tuned: Tuned, resamples: int, seed: int
    ) -> dict[str, Any]:
        """mistakes: how many rows of each kind, and the first of them."""
        kinds: dict[str, list[int]] = {kind: [] for kind in KINDS}
        for row, (gold, guess) in enumerate(zip(judged.gold, judged.guess, strict=True)):
            kinds[kind_of(gold, guess)].append(row)
        rows = max(len(judged), 1)
        empty = int(np.sum([not gold for gold in judged.gold]))
        told = {kind: {"n": len(of), "share": len(of) / rows, "rows": of[:EXAMPLES]} for kind, of in kinds.items()}
        return {"mistakes": told, "without_answer": empty}
