"""The loop: a generator that makes updates and yields events; whoever drives it sends wishes back."""

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from bertune.base import processes
from bertune.engine.clock import Clock, Spent
from bertune.engine.events import Evaluated, Event, Save, Saved, Started, Stop, Stopped, Warn, Wish
from bertune.engine.feed import Batches
from bertune.engine.interrupt import Interrupted
from bertune.engine.learner import Learner, Update

Wishes = Sequence[Wish]


@dataclass(frozen=True)
class Position:
    """Where a run stands after `step` updates.

    `judging_due`: the judging of this step is still to come. `stop`: the reason of a planned end that was decided here.
    `spent`: seconds, texts and tokens of all updates so far.
    """

    step: int = 0
    judging_due: bool = False
    stop: str | None = None
    spent: Spent = (0.0, 0, 0)


@dataclass(frozen=True)
class Hooks:
    """What the loop calls: `judge(position, epoch)` scores the validation rows, `save(position, wish)` stores a state,
    `judge_at(step)` tells whether a step is judged, `warn(wish)` tells the user, `poll()` raises Interrupted when a
    signal came: between the portions of an update, which is then made anew after a resume."""

    judge: Callable[[Position, float], Evaluated]
    save: Callable[[Position, Save], str]
    judge_at: Callable[[int], bool]
    warn: Callable[[Warn], None]
    poll: Callable[[], None] = lambda: None


def loop(learner: Learner, feed: Batches, hooks: Hooks, start: Position) -> Generator[Event, Wishes, None]:
    """Yield Started, then Stepped, Evaluated and Saved as they come, then Stopped; wishes are sent back at each."""
    per_epoch, clock = feed.steps_per_epoch, Clock(start.spent, learner.steps)
    wishes = yield Started(
        start.step,
        start.step / per_epoch,
        learner.steps,
        learner.steps / per_epoch,
        feed.batch_size,
        start.step > 0,
        learner.seed,
    )
    stop = yield from _answer(wishes, hooks, start, per_epoch)
    step, epoch, due = start.step, -1, start.judging_due
    batches: Sequence[Any] = ()
    while (due and (stop is None or stop.finished)) or (stop is None and step < learner.steps):
        at = Position(step, due, stop.reason if stop else None, clock.spent)
        try:
            if due:
                wishes = yield hooks.judge(at, step / per_epoch)
                due = False
            else:
                if step // per_epoch != epoch:
                    epoch = step // per_epoch
                    batches = feed.begin(epoch)
                rows = batches[step % per_epoch]
                with clock:
                    update, notes = _update(learner, feed, rows, step, hooks.poll)
                step += 1
                due = hooks.judge_at(step)
                wishes = yield clock.stepped(step, step / per_epoch, update, len(rows), feed.tokens_in(rows))
                wishes = [*wishes, *notes]
        except Interrupted as interruption:
            if interruption.at_once:
                raise  # it may have come in the middle of an update: nothing of that is kept
            wishes = [Save("interrupted"), Stop(f"signal {interruption.number}", finished=False)]
        at = Position(step, due, stop.reason if stop else None, clock.spent)
        stop = yield from _answer(wishes, hooks, at, per_epoch)
    end = stop or Stop("all steps made")
    at = Position(step, due, end.reason, clock.spent)
    if end.finished and at != start:  # so that a run stopped while it is scored need not learn again
        yield from _answer([Save("end of training")], hooks, at, per_epoch)
    wishes = yield Stopped(step, step / per_epoch, end.reason, end.finished, *clock.overall())
    for wish in wishes:
        if isinstance(wish, Warn):
            hooks.warn(wish)


def _answer(wishes: Wishes, hooks: Hooks, at: Position, per_epoch: int) -> Generator[Event, Wishes, Stop | None]:
    """Carry out the wishes for checkpoints and warnings; give back the wish to stop, if any.

    An interruption goes before a planned end; the checkpoint then remembers that the end was decided. Best weights are
    kept before any other checkpoint, which may name them, and of several checkpoints of one moment one is made.
    """
    stops = [w for w in wishes if isinstance(w, Stop)]
    planned = next((w.reason for w in stops if w.finished), at.stop)
    at = replace(at, stop=planned)
    for wish in wishes:
        if isinstance(wish, Warn):
            hooks.warn(wish)
    saves = [w for w in wishes if isinstance(w, Save)]
    for save in [w for w in saves if w.best][:1] + [w for w in saves if not w.best][:1]:
        yield Saved(at.step, at.step / per_epoch, hooks.save(at, save), save.reason)
    return next((w for w in stops if not w.finished), None) or (Stop(planned) if planned is not None else None)


def _update(
    learner: Learner, feed: Batches, rows: Any, step: int, poll: Callable[[], None]
) -> tuple[Update, list[Wish]]:
    """One update; out of memory, the micro-batch is halved and the same update is made again."""
    notes: list[Wish] = []
    while True:
        try:
            return learner.update(feed.portions(rows), step, poll), notes
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error) or feed.most_rows == 1 or processes.now().count > 1:
                raise
        feed.most_rows = math.ceil((feed.most_rows or len(rows)) / 2)
        text = (
            f"out of memory at step {step + 1}: now {feed.most_rows} rows at once, the same update from more portions"
        )
        notes.append(Warn("out_of_memory", text))
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on any device."""
    text = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(sign in text for sign in signs)
