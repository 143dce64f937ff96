"""Groups of rows, such as all texts of a customer, on both sides of a split."""

import re
from collections.abc import Iterator
from typing import Annotated

import numpy as np
from annotated_types import Gt, Lt

from bertune.base.types import Finding, View
from bertune.base.wording import percent
from bertune.data.checks._rows import has_classes

_NAME = re.compile(
    r"user|customer|author|patient|person|speaker|account|client|thread|session|dialog|conversation|document|doc_?id|"
    r"case|group|writer|reviewer|subject|用户|客户|作者|患者|病人",
    re.IGNORECASE,
)


class GroupLeak:
    """Columns whose values stand for groups (by name, or because a group's rows share their label) and straddle.

    `share` is how many of the rows of a later split must have a value that training rows have; `purity` how much more
    often two rows of a group have the same label than any two rows.
    """

    def __init__(
        self, *, share: Annotated[float, Gt(0), Lt(1)] = 0.2, purity: Annotated[float, Gt(0), Lt(1)] = 0.2
    ) -> None:
        self.share, self.purity = share, purity

    def __call__(self, view: View) -> Iterator[Finding]:
        """A warning for each column."""
        later = np.concatenate([view.splits.valid, view.splits.test])
        if not len(later) or not len(view.splits.train):
            return
        for name in view.table.names:
            if name in (view.roles.text, view.roles.text_pair, view.roles.label):
                continue
            values = view.table.columns.column(name).to_pylist()
            if any(isinstance(value, (list, dict, float)) for value in values[:1000]):
                continue
            seen = {values[i] for i in view.splits.train.tolist()} - {None, ""}
            both = [i for i in later.tolist() if values[i] in seen]
            if len(both) >= self.share * len(later) and self._is_group(view, name, values):
                yield Finding(
                    "group_leak",
                    "warning",
                    f'{percent(len(both) / len(later))} of the rows for validation and test share their "{name}" with '
                    "training rows: what the model knows of these will not help with new ones",
                    f"keep each together: --set data.group={name} --set data.split.name=grouped",
                    view.places(both),
                    len(both),
                )

    def _is_group(self, view: View, name: str, values: list[object]) -> bool:
        kept = [value for value in values if value not in (None, "")]
        groups = len(set(kept))
        if not 0.02 * len(kept) <= groups <= 0.7 * len(kept):
            return False
        return bool(_NAME.search(name)) or self._pure(view, values)

    def _pure(self, view: View, values: list[object]) -> bool:
        """Whether two rows of a group have the same label much more often than any two rows."""
        if not has_classes(view) or view.labels is None:
            return False
        last: dict[object, str] = {}
        same = pairs = 0
        counts: dict[str, int] = {}
        for value, label in zip(values, view.labels, strict=True):
            if label is None or value in (None, ""):
                continue
            counts[label] = counts.get(label, 0) + 1
            if value in last:
                pairs += 1
                same += last[value] == label
            last[value] = label
        total = sum(counts.values())
        usual = sum((n / total) ** 2 for n in counts.values()) if total else 1.0
        return pairs >= 30 and same / pairs >= usual + self.purity
