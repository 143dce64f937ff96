"""Splits from different times, by a column of dates."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Annotated

import numpy as np
from annotated_types import Gt, Le

from bertune.base.types import Finding, Ints, View
from bertune.base.wording import percent

_DATE = re.compile(r"\s*(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?")
_FEWEST = 20


class TimeOrder:
    """Test rows that are later, or earlier, than the training rows; `share` of the dates must lie beyond them."""

    def __init__(self, *, share: Annotated[float, Gt(0.5), Le(1)] = 0.9) -> None:
        self.share = share

    def __call__(self, view: View) -> Iterator[Finding]:
        """A note for each column of dates that tells the splits apart."""
        for name in view.table.names:
            if name in (view.roles.text, view.roles.text_pair, view.roles.label):
                continue
            column = view.table.columns.column(name)
            if not _dated(column.slice(0, 50).to_pylist()):
                continue
            days = np.array([_day(value) for value in column.to_pylist()])
            for split in ("valid", "test"):
                positions: Ints = getattr(view.splits, split)
                yield from self._order(name, split, days[view.splits.train], days[positions])

    def _order(self, name: str, split: str, train: Ints, other: Ints) -> Iterator[Finding]:
        train, other = train[train > 0], other[other > 0]
        if len(train) < _FEWEST or len(other) < _FEWEST:
            return
        later = float((other > np.quantile(train, 0.99)).mean())
        earlier = float((other < np.quantile(train, 0.01)).mean())
        if max(later, earlier) >= self.share:
            word = "later" if later >= earlier else "earlier"
            yield Finding(
                "time_order",
                "note",
                f'by column "{name}" {percent(max(later, earlier))} of {split} is {word} than the training rows',
                "that is right where the model will answer later texts; then let validation be later too (--valid)"
                if word == "later"
                else "train on the earlier rows and test on the later ones, as the model will be used",
                count=len(other),
            )


def _dated(values: list[object]) -> bool:
    known = [value for value in values if value not in (None, "")]
    return len(known) >= 5 and all(_day(value) > 0 for value in known)


def _day(value: object) -> int:
    """Days since year 1; 0 where the value is no date."""
    if isinstance(value, (datetime, date)):
        return value.toordinal()
    match = _DATE.match(value) if isinstance(value, str) else None
    if match is None:
        return 0
    try:
        return date(int(match[1]), int(match[2]), int(match[3] or 1)).toordinal()
    except ValueError:
        return 0
