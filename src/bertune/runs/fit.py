"""Runs the loop of a run: builds it, resumes it where checkpoints lie, restarts it once when it collapses."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError

from bertune.base import registry
from bertune.base.errors import ResumeError
from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Answers, Examples, Tuned
from bertune.engine import checkpoint
from bertune.engine.callbacks.early_stopping import EarlyStopping
from bertune.engine.callbacks.history import History
from bertune.engine.callbacks.interruption import Interruption
from bertune.engine.callbacks.interval_saving import IntervalSaving
from bertune.engine.callbacks.trouble import Trouble
from bertune.engine.devices import Compute
from bertune.engine.driver import Callbacks, drive
from bertune.engine.events import Evaluated, Save, Stopped, Warn
from bertune.engine.interrupt import Watch
from bertune.engine.learner import Learner
from bertune.engine.loop import Hooks, Position, loop
from bertune.engine.plan import Plan
from bertune.evaluate.predict import predict
from bertune.evaluate.spread import spread
from bertune.evaluate.standard_error import standard_error
from bertune.model.cached import standing_in
from bertune.model.encoder import Model
from bertune.runs import build
from bertune.runs.build import Stores
from bertune.runs.folder import Folder
from bertune.runs.prepare import Prepared
from bertune.runs.telling import Teller
from bertune.tasks._task import Tuning

KEEP = 2
ROWS_AT_START = 64  # of the validation rows, answered before the first update to see how far the answers differ


@dataclass(eq=False)
class Fitted:
    """A model with its best weights, and how they came about."""

    model: Model
    plan: Plan
    stopped: Stopped
    best: dict[str, Any]
    steps: int
    restarts: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Fit:
    """One attempt to train: what it needs, and the hooks that the loop calls."""

    recipe: Recipe
    prepared: Prepared
    stores: Stores
    folder: Folder
    compute: Compute
    teller: Teller
    watch: Watch
    fingerprint: dict[str, Any]
    listeners: Sequence[Any] = ()
    attempt: int = 1
    restarts: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def run(self) -> Fitted:
        """Train to the end, or to an interruption (then `stopped.finished` is False)."""
        seed = self.recipe.seed
        model = build.network(self.recipe, self.prepared, seed)
        model.network.to(self.compute.device)
        plan = build.planned(self.recipe, model, self.prepared)
        cached = build.encoded_once(self.recipe, model, self.stores, self.compute, self.watch.poll, self.teller)
        small, self.seen = (None, cached.stores) if cached else build.small_table(self.recipe, model, self.stores)
        feed = build.feed_of(self.recipe, plan, self.seen.train, model, seed)
        folder, state = self._newest()
        plan = plan.gentler() if self.attempt > 1 else plan
        learner = build.learner_of(self.recipe, self.prepared, plan, model, feed, self.compute)
        self.every = max(1, round(feed.steps_per_epoch / self.recipe.evaluation.per_epoch))
        self._callbacks(learner)
        start = Position()
        if folder is not None:
            start = self._restore(learner, feed, folder, state)
        elif self.attempt == 1:
            FILES.remove(self.folder.history)
        hooks = Hooks(
            judge=lambda at, epoch: self._judge(learner, at, epoch),
            save=lambda at, wish: self._save(learner, feed, at, wish),
            judge_at=lambda step: self._judge_at(step, learner.steps),
            warn=self._warn,
            poll=self.watch.poll,
        )
        model.network.train()
        try:
            with nullcontext() if cached is None else standing_in(model, cached.table):
                if folder is None and self.seen.valid is not None:
                    self.trouble.beginning = spread(self._answers(learner, ROWS_AT_START).values) or 0.0
                self.watch.patient = True
                stopped = drive(loop(learner, feed, hooks, start), self.callbacks)
        finally:
            self.watch.patient = False
        if stopped.finished and self.trouble.code and self.attempt == 1 and self.recipe.training.restart_on_collapse:
            return self._again(stopped, plan)
        if stopped.finished:
            self._keep_best(learner)
            if small is not None:
                small.put_back()
        best = {"step": self.stopping.best_step, "epoch": self.stopping.best_epoch,
                "metric": self.stopping.metric, "value": self.stopping.best_value,
                "highest": self.stopping.highest}  # fmt: skip
        return Fitted(model, plan, stopped, best, learner.steps, list(self.restarts), list(self.warnings))

    def _callbacks(self, learner: Learner) -> None:
        evaluation = self.recipe.evaluation
        name = self.metric
        higher = registry.load("metrics", name).best == "high"
        self.stopping = EarlyStopping(
            name,
            higher,
            self._patience(learner),
            evaluation.minimum_gain,
            evaluation.early_stopping,
            evaluation.tolerance,
        )
        valid = self.stores.valid
        of_class = valid is not None and self.prepared.rows.task.kind == "class"
        shares = (np.bincount(valid.classes) / len(valid)).tolist() if valid is not None and of_class else []
        self.trouble = Trouble(shares)
        self.callbacks = Callbacks(
            [
                History(self.folder.history),
                *self.listeners,
                self.trouble,
                self.stopping,
                IntervalSaving(self.recipe.training.checkpoint_minutes),
                Interruption(self.watch),
            ]
        )

    def _patience(self, learner: Learner) -> int:
        """The rate falls to the end of the plan, and the best weights mostly come late: only a long wait is a sign."""
        asked = self.recipe.evaluation.patience
        return max(4, math.ceil(0.4 * learner.steps / self.every)) if asked == "auto" else asked

    @property
    def metric(self) -> str:
        """The metric to select by."""
        name = self.recipe.evaluation.metric
        return str(self.prepared.rows.task.metrics[0]) if name == "auto" else name

    def _warn(self, wish: Warn) -> None:
        self.warnings.append(wish.message)
        self.teller.warn(wish.message, code=wish.code, **wish.details)

    def _judge_at(self, step: int, steps: int) -> bool:
        return self.stores.valid is not None and (step % self.every == 0 or step == steps)

    def _answers(self, learner: Learner, most: int | None = None) -> Answers:
        """The answers to the validation rows, or to the first `most`, as the model gives them."""
        assert self.seen.valid is not None
        with learner.judging():
            return predict(
                learner.model, self.seen.valid, batch_size=self.recipe.evaluation.batch_size,
                max_tokens=self.recipe.training.max_tokens, precision=self.compute.precision,
                device=self.compute.device, poll=self.watch.poll, most=most,
            )  # fmt: skip

    def _judge(self, learner: Learner, at: Position, epoch: float) -> Evaluated:
        answered, task, classes = self._answers(learner), self.prepared.rows.task, self.prepared.classes
        assert self.stores.valid is not None
        # A diverged model still gets a score, and is told by Trouble.
        finite = replace(answered, values=np.nan_to_num(answered.values)).scaled(self.prepared.unit)
        guesses = task.decode(self.validated, self.stores.valid, finite, classes, self._tuned(finite))
        judged = task.judged(self.validated, guesses, classes)
        names = dict.fromkeys([self.metric, *task.watched])
        scores = {name: float(registry.load("metrics", name)()(judged)) for name in names}
        guessed = len(np.unique(judged.guess)) if task.kind == "class" else len(judged)
        learner.schedule.observe(scores[self.metric] if self.stopping.higher else -scores[self.metric])
        error = standard_error(registry.load("metrics", self.metric)(), judged)
        first = task.watched[0]
        loss = scores[first] if registry.load("metrics", first).best == "low" else math.nan  # a score is no loss
        return Evaluated(at.step, epoch, "valid", scores, loss, guessed, error, spread(answered.values))

    def _tuned(self, answers: Answers) -> Tuned:
        """How answers are read at a check: as they would be at the end, but for the temperature."""
        unit, valid = self.prepared.unit, self.stores.valid
        assert valid is not None
        tuning = Tuning(registry.load("metrics", self.metric)(), unit, calibration=False)
        found: Tuned = self.prepared.rows.task.tune(self.validated, valid, answers, self.prepared.classes, tuning)
        return replace(found, more={**unit.more, **found.more})

    @cached_property
    def validated(self) -> Examples:
        """The validation rows as the task reads them."""
        return self.prepared.examples("valid")

    def _save(self, learner: Learner, feed: Any, at: Position, wish: Save) -> str:
        if wish.best:
            target = self.folder.checkpoints / f"best-{at.step:06d}"
            with learner.judging():
                checkpoint.save(target, {"model": _learning(learner)}, {"step": at.step})
            checkpoint.prune_best(self.folder.checkpoints, target.name)
            return target.name
        target = self.folder.checkpoints / f"step-{at.step:06d}"
        tensors, numbers = ({}, {}) if at.stop is not None else checkpoint.optimizer_tensors(learner.optimizer)
        groups = {"model": _learning(learner), "optimizer": tensors}
        if learner.averages is not None:
            groups["averages"] = learner.averages.mean
        best = self.stopping.best_step
        state = {
            "position": asdict(at),
            "attempt": self.attempt,
            "restarts": self.restarts,
            "warnings": self.warnings,
            "optimizer": numbers,
            "schedule": learner.schedule.state(),
            "callbacks": self.callbacks.state(),
            "most_rows": feed.most_rows,
            "best": None if best is None else f"best-{best:06d}",
            "fingerprint": self.fingerprint,
        }
        checkpoint.save(target, groups, state)
        checkpoint.prune(self.folder.checkpoints, target, KEEP)
        return target.name

    def _newest(self) -> tuple[Path | None, dict[str, Any]]:
        folder, passed = checkpoint.newest_sound(self.folder.checkpoints)
        for number, (name, problem) in enumerate(passed, 1):
            last = folder is None and number == len(passed)
            instead = "none is left whole: the run starts from its beginning" if last else "the one before it is used"
            self.teller.warn(f"checkpoint {name} is damaged ({problem}); {instead}", code="damaged_checkpoint")
        if folder is None:
            FILES.remove(self.folder.checkpoints)
            return None, {}
        for name, _ in passed:  # else one whose best weights are made anew would be whole again, in another past
            FILES.remove(self.folder.checkpoints / name)
        state = checkpoint.read_state(folder)
        for what, value in self.fingerprint.items():
            checkpoint.refuse(what, state["fingerprint"].get(what), value)
        self.attempt, self.restarts, self.warnings = state["attempt"], state["restarts"], state["warnings"]
        return folder, state

    def _restore(self, learner: Learner, feed: Any, folder: Path, state: dict[str, Any]) -> Position:
        try:
            return self._restored(learner, feed, folder, state)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError) as error:
            raise ResumeError(
                "the checkpoint does not fit this run.", where=str(folder),
                found=f"{type(error).__name__}: {str(error)[:200]}", next_move="start a new run with bertune train",
            ) from error  # fmt: skip

    def _restored(self, learner: Learner, feed: Any, folder: Path, state: dict[str, Any]) -> Position:
        _load(learner.model, checkpoint.read_group(folder, "model"))
        checkpoint.load_optimizer(learner.optimizer, checkpoint.read_group(folder, "optimizer"), state["optimizer"])
        if learner.averages is not None:
            learner.averages.load(checkpoint.read_group(folder, "averages"))
        learner.schedule.restore(state["schedule"])
        self.callbacks.restore(state["callbacks"])
        feed.most_rows = state["most_rows"]
        at = Position(**{**state["position"], "spent": tuple(state["position"]["spent"])})
        self.teller.say("resume", f"from step {at.step:,} of {learner.steps:,}", step=at.step)
        return at

    def _again(self, stopped: Stopped, first: Plan) -> Fitted:
        code, second = str(self.trouble.code), first.gentler()
        cure = f"learning rate {second.learning_rate:.1e} instead of {first.learning_rate:.1e}"
        if (
            second.warmup > first.warmup
            and not registry.load("schedules", self.recipe.part("schedule").name).own_warmup
        ):
            cure += f" and a warm-up over {100 * second.warmup:.0f} % of the updates"
        self.teller.warn(f"{stopped.reason}; starting once more with {cure}", code=code)
        FILES.remove(self.folder.checkpoints)
        self.attempt = 2
        self.restarts.append({"reason": stopped.reason, "code": code, "step": stopped.step, "cure": cure})
        return self.run()

    def _keep_best(self, learner: Learner) -> None:
        """Leave the model with its best weights; without a validation split those are the last."""
        step = self.stopping.best_step
        folder = self.folder.checkpoints / f"best-{step or 0:06d}"
        if step is not None:
            problem = checkpoint.damage(folder)
            if problem:
                raise ResumeError(
                    "the best weights were damaged after they had been written.", where=str(folder), found=problem,
                    next_move=f"bertune resume {self.folder.run} makes them anew",
                )  # fmt: skip
            _load(learner.model, checkpoint.read_group(folder, "model"))
        elif learner.averages is not None:
            _load(learner.model, dict(learner.averages.mean))
        learner.optimizer.zero_grad(set_to_none=True)
        learner.optimizer.state.clear()


def _learning(learner: Learner) -> dict[str, torch.Tensor]:
    ids = {id(p) for group in learner.optimizer.param_groups for p in group["params"]}
    return {name: p.detach() for name, p in learner.model.network.named_parameters() if id(p) in ids}


def _load(model: Model, tensors: dict[str, torch.Tensor]) -> None:
    own = dict(model.network.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)
