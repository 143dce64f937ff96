"""Runs the loop of a run: builds it, resumes it where checkpoints lie, restarts it once when it collapses."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError

from bertune.base import processes, registry
from bertune.base.errors import BertuneError, ResumeError
from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Floats
from bertune.engine import checkpoint
from bertune.engine.callbacks.early_stopping import EarlyStopping
from bertune.engine.callbacks.history import History
from bertune.engine.callbacks.interruption import Interruption
from bertune.engine.callbacks.interval_saving import IntervalSaving
from bertune.engine.callbacks.trouble import Trouble
from bertune.engine.confidence import Confidence
from bertune.engine.devices import Compute
from bertune.engine.driver import Callbacks, drive
from bertune.engine.events import Evaluated, Save, Stopped, Warn
from bertune.engine.heap import give_back
from bertune.engine.interrupt import Interrupted, Watch
from bertune.engine.learner import Learner
from bertune.engine.loop import Hooks, Position, loop
from bertune.engine.loss_scale import LossScale
from bertune.engine.plan import Plan
from bertune.evaluate.spread import spread
from bertune.model.encoder import Model
from bertune.model.lora import merge
from bertune.model.together import together
from bertune.runs import build
from bertune.runs.build import Stores
from bertune.runs.caching import cached
from bertune.runs.folder import Folder
from bertune.runs.judge import Judge, metric_of
from bertune.runs.prepare import Prepared
from bertune.runs.shares import has_classes
from bertune.runs.telling import Teller

KEEP = 2
MEAN = "mean_of_tasks"  # what weights are selected by where several tasks are learnt at once
ROWS_AT_START = 64  # of the validation rows, answered before the first update to see how far the answers differ


@dataclass(eq=False)
class Fitted:
    """A model with its best weights, and how they came about.

    `confidence`[rows] is how probable the given class of each learnt row was on the way, where that was noted.
    """

    model: Model
    plan: Plan
    stopped: Stopped
    best: dict[str, Any]
    steps: int
    restarts: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    confidence: Floats | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """A further task that is learnt together with that of a run; its scores are told under `name`."""

    name: str
    recipe: Recipe
    prepared: Prepared
    stores: Stores


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
    others: Sequence[Part] = ()
    attempt: int = 1
    restarts: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def run(self) -> Fitted:
        """Train to the end, or to an interruption (then `stopped.finished` is False)."""
        parts = [Part("", self.recipe, self.prepared, self.stores), *self.others]
        model = self._network(parts)
        plan = build.planned(self.recipe, model.tasks[0], self.prepared)
        kept = None
        if not self.others:
            kept = cached(self.recipe, model, plan, self.stores, self.compute, self.teller)
        if kept is not None:
            kept.fill(self.recipe, self.compute, self.watch.poll)
        every = [part.stores for part in parts]
        small, seen = (None, [kept.stores]) if kept else build.small_table(self.recipe, model.tasks[0], every)
        feeds = [build.feed_of(self.recipe, plan, one.train, task, self.recipe.seed)
                 for one, task in zip(seen, model.tasks, strict=True)]  # fmt: skip
        feed = build.mixed(self.recipe, feeds, self.recipe.seed)
        folder, state = self._newest()
        plan = plan.gentler() if self.attempt > 1 else plan
        losses = [build.loss_of(part.recipe, part.prepared, own) for part, own in zip(parts, feeds, strict=True)]
        learner = build.learner_of(self.recipe, losses, plan, model, feed, self.compute)
        if self._notes_confidence():
            learner.confidence = Confidence(len(seen[0].train), self.compute.device)
        self.judges = self._judges(parts, model, seen)
        self.every = plan.steps_between_checks(feed.steps_per_epoch)
        self._callbacks(learner)
        start = Position()
        if folder is not None:
            start = self._restore(learner, feed, folder, state)
        elif self.attempt == 1:
            FILES.remove(self.folder.history)
        hooks = Hooks(
            judge=lambda at, epoch: self._judge(learner, at, epoch),
            save=lambda at, wish: self._save(learner, feed, at, wish),
            judge_at=lambda step: bool(self.judges) and (step % self.every == 0 or step == learner.steps),
            warn=self._warn,
            poll=self._poll,
        )
        model.network.train()
        try:
            with processes.together(), nullcontext() if kept is None else kept.standing_in():
                if folder is None and "" in self.judges:
                    with learner.judging():
                        self.trouble.beginning = spread(self.judges[""].answers(ROWS_AT_START).values) or 0.0
                self.watch.patient = True
                stopped = drive(loop(learner, feed, hooks, start), self.callbacks)
        finally:
            self.watch.patient = False
        if stopped.finished and self.trouble.code and self.attempt == 1 and self.recipe.training.restart_on_collapse:
            return self._again(stopped, plan)
        if stopped.finished:
            self._keep_best(learner)
            for task in model.tasks:
                merge(task)
            if small is not None:
                small.put_back()
        best = {"step": self.stopping.best_step, "epoch": self.stopping.best_epoch,
                "metric": self.stopping.metric, "value": self.stopping.best_value,
                "highest": self.stopping.highest}  # fmt: skip
        confidence = None if learner.confidence is None else learner.confidence.mean()
        return Fitted(model, plan, stopped, best, learner.steps, list(self.restarts), list(self.warnings), confidence)

    def _poll(self) -> None:
        """Raise Interrupted where a signal came, to any of the processes that learn together."""
        (caught,) = processes.now().highest(self.watch.caught or 0)
        if caught:
            raise Interrupted(caught)

    def _network(self, parts: Sequence[Part]) -> Model:
        """The models of all tasks, with one encoder, on the device."""
        task = parts[0].prepared.rows.task
        if processes.started().count > 1 and registry.load("heads", task.head).compares_rows:
            text = "the rows of a batch are compared with each other: one process only."
            raise BertuneError(text, where="--processes", found=f"the task {task.name}")
        tokens = max(part.prepared.tokenizer.vocabulary for part in parts)
        model = together([build.network(part.recipe, part.prepared, self.recipe.seed, tokens) for part in parts])
        model.to(self.compute.device)
        return model

    def _notes_confidence(self) -> bool:
        """Whether the search for wrong labels asks how each row was learnt, and one process learns all of them."""
        alone = not self.others and processes.started().count == 1
        return alone and self.recipe.evaluation.suspects and has_classes(self.prepared)

    def _judges(self, parts: Sequence[Part], model: Model, seen: Sequence[Stores]) -> dict[str, Judge]:
        """Who looks at the validation rows of each task that has any, by the name of its part."""
        return {
            part.name: Judge(task, part.recipe, part.prepared, part.stores.valid, own.valid, self.compute,
                             self.watch.poll)
            for part, task, own in zip(parts, model.tasks, seen, strict=True)
            if part.stores.valid is not None and own.valid is not None
        }  # fmt: skip

    def _callbacks(self, learner: Learner) -> None:
        evaluation = self.recipe.evaluation
        alone = self.judges.get("") if not self.others else None
        self.stopping = EarlyStopping(
            MEAN if self.others else self.metric,
            alone is None or alone.higher,
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
        return metric_of(self.recipe, self.prepared)

    def _warn(self, wish: Warn) -> None:
        self.warnings.append(wish.message)
        self.teller.warn(wish.message, code=wish.code, **wish.details)

    def _judge(self, learner: Learner, at: Position, epoch: float) -> Evaluated:
        """A look at the validation rows of every task, told as one."""
        with learner.judging():
            checks = {name: judge.check() for name, judge in self.judges.items()}
        give_back()
        scores = {f"{name}.{metric}" if name else metric: value
                  for name, check in checks.items() for metric, value in check.scores.items()}  # fmt: skip
        own = checks.get("") or next(iter(checks.values()))
        error = own.error
        if self.others:
            signs = [1 if self.judges[name].higher else -1 for name in checks]
            mean = sum(sign * check.chosen_by for sign, check in zip(signs, checks.values(), strict=True)) / len(checks)
            scores = {MEAN: mean, **scores}
            error = math.hypot(*(check.error for check in checks.values())) / len(checks)
        value = scores[self.stopping.metric]
        learner.schedule.observe(value if self.stopping.higher else -value)
        return Evaluated(at.step, epoch, "valid", scores, own.loss, own.guessed, error, own.spread)

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
        if learner.confidence is not None:
            groups["confidence"] = learner.confidence.tensors()
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
        if learner.loss_scale is not None:
            state["loss_scale"] = asdict(learner.loss_scale)
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
        if learner.loss_scale is not None:
            learner.loss_scale = LossScale(**state["loss_scale"])
        if learner.confidence is not None and checkpoint.has_group(folder, "confidence"):  # else of an earlier release
            learner.confidence.load(checkpoint.read_group(folder, "confidence"))
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
    return {name: p.detach() for name, p in learner.model.named_parameters() if id(p) in ids}


def _load(model: Model, tensors: dict[str, torch.Tensor]) -> None:
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)
