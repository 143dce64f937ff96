"""The tables beside the scores of entities."""

from collections import Counter
from typing import Any

from bertune.base.types import Judged, Tuned
from bertune.evaluate.scores import class_entry

EXAMPLES = 50
Span = tuple[int, int, str]


class OfSpans:
    """Precision, recall and F1 of each type, and what kinds of mistakes were made.

    An entity that is not found exactly is of one kind: `type` (right words, wrong type), `boundary` (right type, other
    words that overlap), `both` (overlaps, and both are wrong), `missed` or `invented` (nothing overlaps).
    """

    def __init__(self) -> None:
        pass

    def __call__(
        self, judged: Judged, before: Judged | None, tuned: Tuned, resamples: int, seed: int
    ) -> dict[str, Any]:
        """per_class (of each type), and mistakes: how many of each kind, and the first rows of each."""
        right: Counter[str] = Counter()
        gold_of: Counter[str] = Counter()
        guess_of: Counter[str] = Counter()
        mistakes: dict[str, list[int]] = {"type": [], "boundary": [], "both": [], "missed": [], "invented": []}
        for row, (gold, guess) in enumerate(zip(judged.gold, judged.guess, strict=True)):
            gold_of.update(kind for *_, kind in gold)
            guess_of.update(kind for *_, kind in guess)
            right.update(kind for *_, kind in set(gold) & set(guess))
            for kind in _mistakes(set(gold) - set(guess), set(guess) - set(gold)):
                mistakes[kind].append(row)
        kinds = [*judged.classes, *sorted({*gold_of, *guess_of} - set(judged.classes))]
        return {
            "per_class": [class_entry(kind, right[kind], gold_of[kind], guess_of[kind]) for kind in kinds],
            "mistakes": {kind: {"n": len(rows), "rows": rows[:EXAMPLES]} for kind, rows in mistakes.items()},
        }


def _mistakes(missed: set[Span], wrong: set[Span]) -> list[str]:
    """The kind of each gold entity that was not found, and of each answer that touches none."""
    found = []
    touched: set[Span] = set()
    for gold in sorted(missed):
        near = [span for span in wrong if span[0] < gold[1] and gold[0] < span[1]]
        touched.update(near)
        if not near:
            found.append("missed")
        elif any(span[:2] == gold[:2] for span in near):
            found.append("type")
        else:
            found.append("boundary" if any(span[2] == gold[2] for span in near) else "both")
    return found + ["invented"] * len(wrong - touched)
