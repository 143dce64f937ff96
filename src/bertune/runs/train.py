"""The whole journey: recipe, data, model, loop, scores, report."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from bertune.base.errors import BertuneError
from bertune.base.files import FILES
from bertune.base.processes import started
from bertune.base.recipe import Recipe, read_toml, resolve
from bertune.base.types import Table
from bertune.base.wording import counted
from bertune.engine import checkpoint
from bertune.engine.interrupt import Interrupted, Watch
from bertune.runs.endings import events
from bertune.runs.fit import Fit, Fitted, Part
from bertune.runs.folder import Folder, refuse_other_bytes
from bertune.runs.further import check_tasks, further_recipes, name_of, planned_together
from bertune.runs.journey import Journey
from bertune.runs.judge import metric_of
from bertune.runs.seeds import Seeds
from bertune.runs.self_training import SelfTraining
from bertune.runs.telling import Silent, Teller


def train(
    recipe: Recipe,
    out: Path,
    *,
    teller: Teller | None = None,
    source: Table | None = None,
    command: Sequence[str] = (),
    resume: bool = False,
    listeners: Sequence[Any] = (),
    report: bool = True,
) -> Folder:
    """Train, test and report one run in the folder `out`; with `resume`, go on where it stands.

    Without `report` only what the model needs is made: no findings, no report, no model card.
    Raises BertuneError for what the user can mend and Interrupted after a signal; either way nothing is lost.
    """
    folder, data = Folder(out), recipe.data
    refuse_other_bytes(
        {"--out": str(out), "data.train": data.train, "data.valid": data.valid, "data.test": data.test,
         "data.unlabelled": data.unlabelled, "model.name": recipe.model.name, "model.from_run": recipe.model.from_run}
    )  # fmt: skip
    with folder.locked(), Watch() as watch:
        journey = _Way(recipe, folder, teller or Silent(), watch, listeners, report)
        try:
            return journey.run(source, command, resume)
        except Interrupted as interruption:
            interruption.run = str(folder.path)
            raise
        except BertuneError:
            if not resume:
                folder.leave()
            raise


class _Way:
    """One run on its way: its own task, and those that are learnt together with it."""

    def __init__(
        self, recipe: Recipe, folder: Folder, teller: Teller, watch: Watch, listeners: Sequence[Any], report: bool
    ) -> None:
        self.recipe, self.folder, self.teller, self.watch = recipe, folder, teller, watch
        self.listeners, self.report = listeners, report

    def run(self, source: Table | None, command: Sequence[str], resume: bool) -> Folder:
        own = Journey(self.recipe, self.folder, self.teller, self.watch, self.report)
        if resume:
            self.folder.refuse_other_format()
        else:
            own.enter(command)
        own.prepare(source)
        tasks = [own, *self._further(own, command)]
        if not own.begun:
            self._begin(tasks)
        elif not checkpoint.found(self.folder.checkpoints):
            self.teller.say("resume", "from the beginning: no checkpoint had been made yet", step=0)
        for task in tasks:
            task.encode()
        course: Seeds | SelfTraining = (seeds := Seeds(self._fit(tasks)))
        if own.unlabelled is not None:
            course = SelfTraining(seeds, own.unlabelled, own.recipe.self_training)
        fitted, fit = course.run()
        if fitted.stopped.finished and not started().leads:
            return self.folder
        ends = each_task(fitted, fit)
        for task, end in zip(tasks, ends, strict=True):
            task.learnt(end, metric_of(task.recipe, task.prepared), fit.recipe.seed)
        if not fitted.stopped.finished:
            self.folder.write_record(status="stopped")
            raise Interrupted(self.watch.caught or 0)
        if isinstance(course, SelfTraining):
            self.folder.write_record(self_training=course.told)
            course.write(self.folder)
            own.guessed = course.learnt
        for task, end in [*zip(tasks[1:], ends[1:], strict=True), (own, ends[0])]:  # done last: all of it is then
            self._name(task)
            task.finish(end, metric_of(task.recipe, task.prepared), course.scores if task is own else ())
        return self.folder

    def _further(self, own: Journey, command: Sequence[str]) -> list[Journey]:
        """The tasks that are learnt together with the run's own, prepared."""
        found = []
        for name, recipe in further_recipes(self.recipe, own.settled_model()).items():
            folder = self.folder.of_task(name)
            task = Journey(recipe, folder, self.teller, self.watch, self.report, name)
            if own.begun:
                task.recipe = resolve(read_toml(folder.recipe))
            else:
                FILES.make_folder(folder.path)
                task.enter(command)
            self._name(task)
            task.prepare(None)
            found.append(task)
        check_tasks([task.prepared for task in [own, *found]])
        return found

    def _name(self, task: Journey) -> None:
        if self.recipe.data.also:
            name = task.name or name_of(self.recipe.data.train or "")
            self.teller.say("task", name, name=name)

    def _begin(self, tasks: Sequence[Journey]) -> None:
        """Settle the plan of all tasks and tell it; the run's own has begun when all others have."""
        looked = [task.facts() for task in tasks]
        plan = planned_together(self.recipe, [facts for facts, _ in looked])
        for task, (_, model) in reversed(list(zip(tasks, looked, strict=True))):
            task.begin(plan, model)
        if len(tasks) > 1:
            self._note_tasks(tasks)
        machine, rows = tasks[0].machine, [task.shown for task in tasks]
        steps = int(sum(np.ceil(count / plan.batch_size) for count in rows) * plan.epochs)
        self.teller.say(
            "plan",
            f"{counted(plan.epochs, 'epoch')} · {counted(steps, 'step')} of {plan.batch_size} rows · learning rate "
            f"{plan.learning_rate:.1e} · {counted(plan.seeds, 'seed')} · {machine.precision} · "
            f"{counted(machine.threads, 'thread')}{_processes()}   ({plan.why})",
            steps=steps, **asdict(plan),
        )  # fmt: skip

    def _note_tasks(self, tasks: Sequence[Journey]) -> None:
        """Tell in the record of each task which it is learnt with."""
        about = [
            {
                "name": task.name or name_of(self.recipe.data.train or ""),
                "task": task.prepared.rows.task.name,
                "rows": len(task.prepared.splits.train),
            }
            for task in tasks
        ]
        for task in tasks:
            others = [one for one, other in zip(about, tasks, strict=True) if other is not task]
            task.folder.write_record(together={
                "with": others, "temperature": self.recipe.training.temperature, "own": task is tasks[0]
            })  # fmt: skip

    def _fit(self, tasks: Sequence[Journey]) -> Fit:
        own, *others = tasks
        decided = own.decided
        if others:
            decided = {**decided, "the further tasks": {task.name: task.decided for task in others}}
        parts = [Part(task.name, task.recipe, task.prepared, task.stores) for task in others]
        return Fit(
            own.recipe, own.prepared, own.stores, self.folder, own.machine, self.teller, self.watch, decided,
            self.listeners, parts,
        )  # fmt: skip


def _processes() -> str:
    count = started().count
    return f" in each of {count} processes" if count > 1 else ""


def each_task(fitted: Fitted, fit: Fit) -> list[Fitted]:
    """What came of training for each task: its model, and of the kept check its own score.

    A task beside the run's own gets a history of its scores, in place of those of all.
    """
    if not fit.others:
        return [fitted]
    history = events(fit.folder.path)
    found = []
    for part, model in zip([None, *fit.others], fitted.model.tasks, strict=True):
        own = history if part is None else [_own_scores(event, part.name) for event in history]
        metric = fit.metric if part is None else metric_of(part.recipe, part.prepared)
        if part is not None:
            lines = "\n".join(json.dumps(event, ensure_ascii=False) for event in own)
            FILES.write_text(fit.folder.of_task(part.name).history, lines + "\n")
        kept = [e["scores"].get(metric) for e in own if e["event"] == "evaluated" and e["step"] == fitted.best["step"]]
        best = {**fitted.best, "metric": metric, "value": kept[-1] if kept else None, "highest": None}
        found.append(replace(fitted, model=model, best=best))
    return found


def _own_scores(event: dict[str, Any], name: str) -> dict[str, Any]:
    if event["event"] != "evaluated":
        return event
    scores = {key.removeprefix(f"{name}."): v for key, v in event["scores"].items() if key.startswith(f"{name}.")}
    return {**event, "scores": scores}
