"""What tasks that give a number for each row have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from bertune.base.types import Examples, Floats, Guesses, Judged
from bertune.tasks._task import Task

BINS = 10  # of equal rows: every part of the scale gets its share of every split


class OfValues(Task):
    """A task that gives a number for each row."""

    kind: ClassVar[str] = "value"

    def strata(self, gold: Sequence[Any]) -> list[str]:
        """Tenths of the rows by their number."""
        bounds = np.quantile(np.array(gold, dtype=np.float64), np.linspace(0, 1, BINS + 1)[1:-1])
        return [str(k) for k in np.searchsorted(bounds, gold).tolist()]

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """Gold beside guess as numbers."""
        gold, guess = (np.array(columns[name], dtype=np.float64) for name in ("label", "prediction"))
        return Judged(gold, guess, None, ())

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """The gold numbers."""
        return Guesses(numbers(examples))

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """One number."""
        return {"prediction": pa.float64()}


def numbers(examples: Examples) -> Floats:
    """The gold of each row as a number; NaN where missing."""
    assert examples.gold is not None
    return np.array([np.nan if value is None else value for value in examples.gold], dtype=np.float64)
