"""Answers to a split, read and judged as its task does."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bertune.base import registry
from bertune.base.recipe import Recipe
from bertune.base.types import Answers, Guesses, Judged, Tuned
from bertune.data.store import TokenStore
from bertune.engine.devices import Compute
from bertune.evaluate.predict import predict
from bertune.evaluate.spread import spread
from bertune.evaluate.standard_error import standard_error
from bertune.model.encoder import Model
from bertune.runs.prepare import Prepared
from bertune.tasks._task import Tuning


def metric_of(recipe: Recipe, prepared: Prepared) -> str:
    """The metric to select by."""
    name = recipe.evaluation.metric
    return str(prepared.rows.task.metrics[0]) if name == "auto" else name


def answers_of(
    model: Model, store: TokenStore, recipe: Recipe, machine: Compute, poll: Callable[[], None], precision: str,
    most: int | None = None,
) -> Answers:  # fmt: skip
    """The answers to the rows of a store, or to the first `most`, as the model gives them."""
    return predict(
        model, store, batch_size=recipe.evaluation.batch_size, max_tokens=recipe.training.max_tokens,
        precision=precision, device=machine.device, poll=poll, most=most,
    )  # fmt: skip


def tuned_on(
    prepared: Prepared, valid: TokenStore, answers: Answers, metric: str, calibration: bool, threshold: bool = False
) -> Tuned:
    """How answers are to be read: the unit of the model's numbers, and on top of it what the task finds on validation
    rows. `answers` are those to the validation rows, as the model gives them."""
    unit = prepared.unit
    tuning = Tuning(registry.load("metrics", metric)(), unit, calibration, threshold)
    found: Tuned = prepared.rows.task.tune(
        prepared.examples("valid"), valid, answers.scaled(unit), prepared.classes, tuning
    )
    return replace(
        found, scale=unit.scale * found.scale, shift=unit.shift * found.scale + found.shift,
        more={**unit.more, **found.more},
    )  # fmt: skip


def judged_as(
    prepared: Prepared, split: str, store: TokenStore, answers: Answers, tuned: Tuned
) -> tuple[Guesses, Judged]:
    """What scaled answers to a split say, and beside it the gold."""
    task, examples, classes = prepared.rows.task, prepared.examples(split), prepared.classes
    guesses = task.decode(examples, store, answers, classes, tuned)
    return guesses, task.judged(examples, guesses, classes)


@dataclass(frozen=True)
class Check:
    """What a look at the validation rows of a task showed: `chosen_by` is the score that weights are selected by,
    `error` its standard error; the rest is as in `Evaluated`."""

    scores: dict[str, float]
    chosen_by: float
    error: float
    loss: float
    guessed: int
    spread: float | None


@dataclass(eq=False)
class Judge:
    """Looks at the validation rows of a task while it learns. `valid` are the rows as they were encoded, `seen` as the
    learning model reads them, with other numbers for its tokens."""

    model: Model
    recipe: Recipe
    prepared: Prepared
    valid: TokenStore
    seen: TokenStore
    machine: Compute
    poll: Callable[[], None]

    @cached_property
    def metric(self) -> str:
        """The metric to select by."""
        return metric_of(self.recipe, self.prepared)

    @property
    def higher(self) -> bool:
        """Whether more of the metric is better."""
        return bool(registry.load("metrics", self.metric).best == "high")

    def answers(self, most: int | None = None) -> Answers:
        """The answers to the validation rows, or to the first `most`, as the model gives them."""
        return answers_of(
            self.model, self.seen, self.recipe, self.machine, self.poll, self.machine.precision, most
        )  # fmt: skip

    def check(self) -> Check:
        """Answer the validation rows and judge: read as at the end, but for the temperature."""
        answered, task = self.answers(), self.prepared.rows.task
        finite = replace(answered, values=np.nan_to_num(answered.values))  # a diverged model still gets a score
        tuned = tuned_on(self.prepared, self.valid, finite, self.metric, calibration=False)
        _, judged = judged_as(self.prepared, "valid", self.valid, finite.scaled(tuned), tuned)
        metric, first = registry.load("metrics", self.metric)(), task.watched[0]
        names = dict.fromkeys([self.metric, *task.watched])
        scores = {name: float(registry.load("metrics", name)()(judged)) for name in names}
        loss = scores[first] if registry.load("metrics", first).best == "low" else math.nan  # a score is no loss
        guessed = len(np.unique(judged.guess)) if task.kind == "class" else len(judged)
        return Check(
            scores, scores[self.metric], standard_error(metric, judged), loss, guessed, spread(answered.values)
        )  # fmt: skip
