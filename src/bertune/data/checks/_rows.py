"""What several checks ask of a view: rows with text or label, classes, groups, and numbers in words."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np

from bertune.base.types import Floats, Ints, View
from bertune.base.wording import counted

MOST_CLASSES_SHOWN = 5


def rows_of(number: int) -> str:
    """`1 row`, `1,204 rows`."""
    return counted(number, "row")


def has(number: int) -> str:
    """The verb after a number of things."""
    return "has" if number == 1 else "have"


def quoted(names: Iterable[str]) -> str:
    """Label names in quotes, the first few of them: `"a", "b" and 7 more`. Long names are shortened."""
    every = list(names)
    shown = [f'"{n if len(n) <= 40 else n[:37] + "..."}"' for n in every[:MOST_CLASSES_SHOWN]]
    more = len(every) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def has_text(text: str | None) -> bool:
    """Whether there is anything to read."""
    return text is not None and bool(text.strip())


def label_of(view: View, position: int) -> str | None:
    """The label of a row, None where it has none or an empty one."""
    label = None if view.labels is None else view.labels[position]
    return label if label is not None and label.strip() else None


def labelled(view: View, positions: Ints) -> list[tuple[int, str]]:
    """(position, label) of the rows that have a label."""
    found = ((i, label_of(view, i)) for i in positions.tolist())
    return [(i, label) for i, label in found if label is not None]


def labelled_of_all(view: View) -> list[tuple[int, str]]:
    """(position, label) of the rows of all splits that have a label, in the order of the files."""
    return labelled(view, np.sort(np.concatenate([rows for _, rows in view.splits.named()])))


def counts_of(view: View, positions: Ints) -> Counter[str]:
    """Rows of each label among some rows."""
    return Counter(label for _, label in labelled(view, positions))


def has_classes(view: View) -> bool:
    """Whether the labels name classes; values of a regression (many numbers, not all whole) do not."""
    if view.labels is None or view.kind not in (None, "class"):
        return False
    labels = {label for label in view.labels if label is not None}
    if len(labels) <= 20:
        return True
    try:
        return all(float(label).is_integer() for label in labels)
    except ValueError:
        return True


def texts_at(view: View) -> Iterator[tuple[int, str]]:
    """(position, text and pair) of every row with text."""
    pairs = repeat(None) if view.pairs is None else view.pairs
    for i, (text, pair) in enumerate(zip(view.texts, pairs, strict=False)):
        if text is not None and text.strip():
            yield i, text if pair is None else f"{text}\n{pair}"


def clusters(numbers: Ints, positions: Ints) -> list[list[int]]:
    """Rows that share a number, as lists of at least two positions, in the order of their first row."""
    order = positions[np.lexsort((positions, numbers[positions]))]
    cuts = np.flatnonzero(np.diff(numbers[order])) + 1
    groups = [part.tolist() for part in np.split(order, cuts) if len(part) > 1]
    return sorted(groups, key=lambda group: group[0])


def flat(groups: Sequence[Sequence[int]]) -> list[int]:
    """The positions of all groups, group after group."""
    return [position for group in groups for position in group]


def purity(values: Ints, labels: Ints) -> tuple[float, float]:
    """How well a value tells the label: share of rows right when each value answers its most frequent label, and
    the share right when everything answers the most frequent label of all."""
    table: Floats = np.zeros((int(values.max()) + 1, int(labels.max()) + 1))
    np.add.at(table, (values, labels), 1)
    return float(table.max(axis=1).sum() / len(values)), float(table.sum(axis=0).max() / len(values))
