"""Trains with one seed after the other where rows are few, and keeps the weights that are best on validation."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bertune.base import registry
from bertune.base.files import FILES
from bertune.base.types import Floats
from bertune.model.encoder import Model
from bertune.runs.fit import Fit, Fitted
from bertune.runs.judge import answers_of, judged_as


@dataclass(eq=False)
class Seeds:
    """The loops of a run, one for each seed: the first in the folder of `first`, the others in `seeds/<seed>` there.

    `first` is the loop of the first seed, as it stands before training.

    All have the same data and the same split; what a seed decides is the new weights of the head, the order of the rows
    and the dropout. The test rows are answered with every seed's weights, so that the spread can be told; which seed is
    kept is decided on the validation rows alone.
    """

    first: Fit
    scores: list[dict[str, Any]] = field(default_factory=list)

    def run(self) -> tuple[Fitted, Fit]:
        """The kept seed's weights and its loop; when a loop was interrupted, that one's. `scores` holds each seed's.

        How each row was learnt is the mean over all seeds.
        """
        count = self.first.recipe.training.seeds
        assert isinstance(count, int)
        kept: tuple[Fitted, Fit] | None = None
        noted: list[Floats] = []
        for number in range(count):
            fit = self._of(self.first.recipe.seed + number)
            fitted = fit.run()
            if not fitted.stopped.finished:
                return fitted, fit
            if count > 1:
                self._note(fitted, fit, number, count)
            if fitted.confidence is not None:
                noted.append(fitted.confidence)
            if kept is None or better(fit, kept[1]):
                kept = fitted, fit
        assert kept is not None
        for entry in self.scores:
            entry["kept"] = entry["seed"] == kept[1].recipe.seed
        return replace(kept[0], confidence=_mean(noted) if noted else None), kept[1]

    def _of(self, seed: int) -> Fit:
        """The loop of a seed: the first one's, but for what belongs to a seed or fills while it trains."""
        folder = self.first.folder
        if seed != self.first.recipe.seed:
            folder = folder.of_seed(seed)
            FILES.make_folder(folder.path)
        return replace(self.first, recipe=self.first.recipe.changed({"seed": seed}), folder=folder, restarts=[],
                       warnings=[])  # fmt: skip

    def _note(self, fitted: Fitted, fit: Fit, number: int, count: int) -> None:
        value, metric = fitted.best["value"], fit.metric
        entry: dict[str, Any] = {"seed": fit.recipe.seed, "valid": {metric: {"value": value}}}
        if self.first.stores.test is not None:
            entry["test"] = {metric: {"value": self._on_test(fitted.model.tasks[0], metric)}}
        self.scores.append(entry)
        text = f"{number + 1} of {count} · {metric} {value:.3f} on valid at epoch {fitted.best['epoch']:.2g}"
        self.first.teller.say("seed", text, seed=fit.recipe.seed, value=value)

    def _on_test(self, model: Model, metric: str) -> float:
        one, store = self.first, self.first.stores.test
        assert store is not None
        answers, unit = answers_of(model, store, one.recipe, one.compute, one.watch.poll, "fp32"), one.prepared.unit
        _, judged = judged_as(one.prepared, "test", store, answers.scaled(unit), unit)
        return float(registry.load("metrics", metric)()(judged))


def _mean(noted: list[Floats]) -> Floats:
    """The mean of what is known of each row [rows], NaN where nothing is."""
    return np.asarray(np.ma.masked_invalid(noted).mean(axis=0).filled(np.nan))


def better(one: Fit, other: Fit) -> bool:
    """Whether a loop's best weights are better on validation than another's; of equals the earlier seed is kept."""
    a, b = one.stopping.best_value, other.stopping.best_value
    if a is None or b is None:
        return False
    return a > b if one.stopping.higher else a < b
