"""A number for each text or pair of texts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from bertune.base.errors import DataError
from bertune.base.types import Answers, Examples, Floats, Guesses, Roles, Table, Tuned
from bertune.data.columns import label_texts
from bertune.data.store import TokenStore
from bertune.tasks import _borders
from bertune.tasks._grades import learned_cuts, rounded
from bertune.tasks._labels import is_scale, number_at
from bertune.tasks._long_texts import Kept, LongTexts, OfLongTexts, Stride
from bertune.tasks._task import PLAIN, Tuning
from bertune.tasks._values import OfValues, numbers


class Regression(OfValues, OfLongTexts):
    """A number for each text, or for each pair: similarity, a rating on a fine scale, the grade of an essay.

    The model learns in units of the training rows' mean and deviation (within each group, where `by` names a column:
    essays of several prompts, each with marks of its own); what is saved answers in the scale of the labels, but for
    `by`. With `rounding` the whole number is answered whose bounds, learnt on validation rows, agree best.
    """

    name: ClassVar[str] = "regression"
    columns: ClassVar[tuple[str, ...]] = ("text", "label")
    example: ClassVar[str] = """text,label
The film is a masterpiece from start to end.,9.5
I was bored to tears.,1.5
Not bad at all.,6.5
A decent story with a weak ending.,5.5
The best evening of the year!,9.8
Never again.,0.5
"Good actors, poor plot.",4.5
It is fine for children.,6.2
"""
    problem: ClassVar[str | None] = "regression"
    relating: ClassVar[bool] = True
    loss_kind: ClassVar[str] = "value"
    default_loss: ClassVar[str] = "mean_squared"
    metrics: ClassVar[tuple[str, ...]] = (
        "spearman", "pearson", "rmse", "mean_absolute_error", "r2", "quadratic_weighted_kappa",
    )  # fmt: skip
    watched: ClassVar[tuple[str, ...]] = ("rmse", "spearman", "pearson")
    baselines: ClassVar[tuple[str, ...]] = ("mean", "tfidf_ridge")

    def __init__(
        self,
        *,
        low: Annotated[float | None, Field(description="answers are never below; without it: no bound")] = None,
        high: Annotated[float | None, Field(description="answers are never above; without it: no bound")] = None,
        by: Annotated[str | None, Field(description="column of groups with scales of their own")] = None,
        rounding: Annotated[
            Literal["none", "whole"], Field(description="whole: whole numbers, their bounds learnt on validation")
        ] = "none",
        long_texts: LongTexts = "cut",
        stride: Stride = 64,
        pooling: Annotated[
            Literal["mean", "attention"],
            Field(description="of a text's windows the mean answer, or a mean of learnt weights"),
        ] = "mean",
        keep: Kept = "head",
    ) -> None:
        super().__init__(long_texts=long_texts, stride=stride, pooling=pooling, keep=keep)
        if low is not None and high is not None and low >= high:
            raise ValueError(f"task.low {low} must be below task.high {high}")
        self.low, self.high, self.by, self.rounding = low, high, by, rounding

    @property
    def decides(self) -> bool:  # type: ignore[override]
        """Whether answers are whole grades."""
        return self.rounding == "whole"

    @classmethod
    def recognise(cls, table: Table, roles: Roles) -> bool:
        """Whether the labels are numbers on a scale."""
        return is_scale(table, roles.label)

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The number of each row; None where missing. Raises DataError naming file and row."""
        assert roles.label is not None
        labels = label_texts(table, roles.label)
        return [None if x is None else number_at(table, roles.label, i, x) for i, x in enumerate(labels)]

    def more(self, table: Table, roles: Roles) -> Mapping[str, Sequence[Any]]:
        """The group of each row, where the task has some."""
        if self.by is None:
            return {}
        if self.by not in table.names:
            raise DataError(
                f"there is no column {self.by!r}.", where=table.files[0], expected="the column that task.by names",
                found=", ".join(table.names[:20]),
            )  # fmt: skip
        return {"group": [value or "" for value in label_texts(table, self.by)]}

    def unit(self, examples: Examples) -> Tuned:
        """Mean and deviation of the training rows; of each group in `more`."""
        gold = numbers(examples)
        if self.by is None:
            return Tuned(scale=float(gold.std()) or 1.0, shift=float(gold.mean()))
        groups: dict[str, list[float]] = defaultdict(list)
        for group, value in zip(examples.more["group"], gold.tolist(), strict=True):
            groups[group].append(value)
        scales = {g: [float(np.mean(v)), float(np.std(v)) or 1.0] for g, v in sorted(groups.items())}
        return Tuned(more={"groups": scales, "all": [float(gold.mean()), float(gold.std()) or 1.0]})

    def targets(self, examples: Examples, classes: Sequence[str], unit: Tuned = PLAIN) -> Floats:
        """The number of each row in units of the training rows; NaN where missing."""
        mean, deviation = self._scales(examples, unit)
        return np.asarray(((numbers(examples) - mean) / deviation - unit.shift) / unit.scale)

    def refused(self, examples: Examples, row: int) -> str | None:
        """A row that lacks the column of groups, which texts from memory do."""
        return f"no column {self.by!r}" if self.by is not None and "group" not in examples.more else None

    def _scales(self, examples: Examples, unit: Tuned) -> tuple[Any, Any]:
        """Mean and deviation of each row's group; 0 and 1 without groups."""
        if "groups" not in unit.more:
            return 0.0, 1.0
        every = unit.more["all"]
        of_row = np.array([unit.more["groups"].get(group, every) for group in examples.more.get("group", ())])
        return of_row.reshape(-1, 2)[:, 0], of_row.reshape(-1, 2)[:, 1]

    def tune(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuning: Tuning
    ) -> Tuned:
        """Where one whole number ends and the next begins, when rounding is asked for."""
        if self.rounding == "none":
            return PLAIN
        return Tuned(more={"cuts": learned_cuts(self._values(examples, answers, tuning.unit), numbers(examples))})

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """The number of each row, within its bounds."""
        values = self._values(examples, answers, tuned)
        return Guesses(rounded(values, tuned.more["cuts"]) if "cuts" in tuned.more else values)

    def room(self, examples: Examples, answers: Answers, tuned: Tuned) -> Floats:
        """The way to the nearest bound between two grades, in the unit of the answers."""
        _, deviation = self._scales(examples, tuned)
        ways = _borders.of_grades(self._values(examples, answers, tuned), tuned.more["cuts"]["bounds"])
        return np.asarray(ways / deviation)

    def _values(self, examples: Examples, answers: Answers, tuned: Tuned) -> Floats:
        mean, deviation = self._scales(examples, tuned)
        return np.asarray(np.clip(answers.values[:, 0] * deviation + mean, self.low, self.high))

    def relevance(self, guesses: Guesses, classes: tuple[str, ...], right: str | None = None) -> Floats:
        """The numbers themselves."""
        return np.asarray(guesses.guess, np.float64)

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: a number."""
        return {"prediction": float(guesses.guess[row])}

    def shown(self, value: Any) -> str:
        """A number with four digits at most."""
        return f"{value:.4g}"
