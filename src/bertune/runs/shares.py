"""What is to be found in the training rows, in a few words: classes with their shares, the range of numbers, …"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bertune.base.types import Ints
from bertune.base.wording import counted, percent
from bertune.data.augment import Copies
from bertune.runs.prepare import Prepared

MOST = 6  # names that a line has room for


def shares(prepared: Prepared) -> str:
    """The line for people, of the training rows."""
    task, gold = prepared.rows.task, prepared.examples("train").gold or ()
    told = [task.label(value) for value in gold]
    makers = {"class": _of_class, "labels": _of_labels, "value": _of_value, "spans": _of_spans, "answer": _of_answer}
    return makers[task.kind](prepared, told) if task.kind in makers else counted(len(told), "row")


def augmented(copies: Copies, rows: int) -> str:
    """The line for people about changed copies of the training rows."""
    return f"{copies.name} · {copies.number * rows:,} changed copies of training rows beside the {rows:,} themselves"


def has_classes(prepared: Prepared) -> bool:
    """Whether each row has one class of its text: not a position among choices, nor tags of its words."""
    return bool(prepared.rows.task.kind == "class" and prepared.rows.task.loss_kind == "class")


def class_counts(prepared: Prepared, positions: Ints) -> dict[str, int]:
    """Rows of each class; empty where rows have no single class."""
    if not has_classes(prepared) or not prepared.classes:
        return {}
    found = np.bincount(prepared.targets[positions], minlength=len(prepared.classes)).tolist()
    return dict(zip(prepared.classes, found, strict=True))


def _named(counts: Mapping[str, int], total: int, unit: str, units: str) -> str:
    order = sorted(counts, key=lambda name: -counts[name])
    shown = ", ".join(f"{name} {percent(counts[name] / max(total, 1))}" for name in order[:MOST])
    more = len(order) - MOST
    return shown + (f" and {more} more {unit if more == 1 else units}" if more > 0 else "")


def _of_class(prepared: Prepared, told: list[Any]) -> str:
    counts = class_counts(prepared, prepared.splits.train)
    return _named(counts, sum(counts.values()), "class", "classes") if counts else counted(len(told), "question")


def _of_labels(prepared: Prepared, told: list[Any]) -> str:
    return _named(Counter(label for labels in told for label in labels), len(told), "label", "labels")


def _of_value(prepared: Prepared, told: list[Any]) -> str:
    return f"{min(told):.4g} to {max(told):.4g}, mean {np.mean(told):.4g}" if told else "no rows"


def _of_spans(prepared: Prepared, told: list[Any]) -> str:
    kinds = Counter(_types(told))
    head = f"{kinds.total():,} {'entity' if kinds.total() == 1 else 'entities'}: "
    return head + _named(kinds, kinds.total(), "type", "types")


def _types(told: list[Any]) -> Iterable[str]:
    return (str(entity.get("label")) for row in told for entity in row)


def _of_answer(prepared: Prepared, told: list[Any]) -> str:
    without = percent(sum(not answer for answer in told) / max(len(told), 1))
    return f"{counted(len(told), 'question')}, {without} without an answer"
