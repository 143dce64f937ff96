"""The tables beside the scores of answers."""

from typing import Any

import numpy as np

from bertune.base.types import Judged, Tuned
from bertune.metrics.answer_f1 import AnswerF1

EXAMPLES = 50


class OfAnswer:
    """How many answers are exact, touch the gold, miss it, were invented or withheld."""

    def __init__(self) -> None:
        pass

    def __call__(
        self, judged: Judged, before: Judged | None, tuned: Tuned, resamples: int, seed: int
    ) -> dict[str, Any]:
        """mistakes: how many rows of each kind, and the first of them."""
        kinds: dict[str, list[int]] = {"exact": [], "partly": [], "elsewhere": [], "invented": [], "withheld": []}
        for row, (gold, guess) in enumerate(zip(judged.gold, judged.guess, strict=True)):
            kinds[kind_of(gold, guess)].append(row)
        rows = max(len(judged), 1)
        empty = int(np.sum([not gold for gold in judged.gold]))
        told = {kind: {"n": len(of), "share": len(of) / rows, "rows": of[:EXAMPLES]} for kind, of in kinds.items()}
        return {"mistakes": told, "without_answer": empty}


def kind_of(gold: tuple[str, ...], guess: str) -> str:
    """What an answer is beside the acceptable ones (none of them where there is no answer): exact, partly, …"""
    if not gold or not guess:
        return "exact" if not gold and not guess else "invented" if guess else "withheld"
    reached = AnswerF1().of_answer(gold, guess)
    return "exact" if guess in gold or reached == 1 else "partly" if reached > 0 else "elsewhere"
