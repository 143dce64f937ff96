"""The loop: a generator that makes updates and yields events; whoever drives it sends wishes back."""

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch

from bertune.base.types import Ints
from bertune.engine.events import Evaluated, Event, Save, Saved, Started, Stepped, Stop, Stopped, Warn, Wish
from bertune.engine.feed import Feed
from bertune.engine.learner import Learner, Update

Wishes = Sequence[Wish]


@dataclass(frozen=True)
class Position:
    """Where a run stands: updates made, and whether the judging due at that step is still to come."""

    step: int = 0
    judging_due: bool = False


@dataclass(frozen=True)
class Hooks:
    """What the loop calls: `judge(step, epoch)` scores the validation rows, `save(position, wish)` stores a state,
    `warn(wish)` tells the user."""

    judge: Callable[[int, float], Evaluated]
    save: Callable[[Position, Save], str]
    judge_at: Callable[[int], bool]
    warn: Callable[[Warn], None]


def loop(learner: Learner, feed: Feed, hooks: Hooks, start: Position) -> Generator[Event, Wishes, None]:
    """Yield Started, then Stepped, Evaluated and Saved as they come, then Stopped; wishes are sent back at each."""
    per_epoch, clock = feed.steps_per_epoch, _Clock(start.step, learner.steps)
    wishes = yield Started(
        start.step, start.step / per_epoch, learner.steps, learner.steps / per_epoch, feed.batch_size, start.step > 0
    )
    stop = yield from _answer(wishes, hooks, start, per_epoch)
    step, epoch = start.step, -1
    batches: Sequence[Ints] = ()
    due = start.judging_due
    while stop is None and (due or step < learner.steps):
        if not due:
            if step // per_epoch != epoch:
                epoch = step // per_epoch
                batches = feed.begin(epoch)
            with clock:
                update, note = _update(learner, feed, batches[step % per_epoch], step)
            step += 1
            rows = batches[(step - 1) % per_epoch]
            due = hooks.judge_at(step)
            wishes = yield clock.stepped(step, step / per_epoch, update, len(rows), feed.tokens_in(rows))
            wishes = [*wishes, *note]
            stop = yield from _answer(wishes, hooks, Position(step, due), per_epoch)
            if stop is not None and not stop.finished:
                break
        if due:
            wishes = yield hooks.judge(step, step / per_epoch)
            due = False
            stop = (yield from _answer(wishes, hooks, Position(step, False), per_epoch)) or stop
    reason = stop or Stop("all steps made")
    wishes = yield Stopped(step, step / per_epoch, reason.reason, reason.finished, *clock.overall())
    for wish in wishes:
        if isinstance(wish, Warn):
            hooks.warn(wish)


def _answer(wishes: Wishes, hooks: Hooks, at: Position, per_epoch: int) -> Generator[Event, Wishes, Stop | None]:
    """Carry out the wishes for checkpoints and warnings; give back the wish to stop, if any."""
    for wish in wishes:
        if isinstance(wish, Warn):
            hooks.warn(wish)
        if isinstance(wish, Save):
            yield Saved(at.step, at.step / per_epoch, hooks.save(at, wish), wish.reason)
    return next((w for w in wishes if isinstance(w, Stop)), None)


def _update(learner: Learner, feed: Feed, rows: Ints, step: int) -> tuple[Update, list[Wish]]:
    """One update; out of memory, the micro-batch is halved and the same update is made again."""
    notes: list[Wish] = []
    while True:
        try:
            return learner.update(feed.portions(rows), step), notes
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error) or feed.most_rows == 1:
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


class _Clock:
    """Time spent in updates alone, and what follows from it."""

    def __init__(self, first: int, steps: int) -> None:
        self.first, self.steps = first, steps
        self.seconds, self.texts, self.tokens, self.last = 0.0, 0, 0, 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.last = time.perf_counter() - self._start
        self.seconds += self.last

    def stepped(self, step: int, epoch: float, update: Update, texts: int, tokens: int) -> Stepped:
        self.texts, self.tokens = self.texts + texts, self.tokens + tokens
        left = self.seconds / (step - self.first) * (self.steps - step)
        return Stepped(
            step,
            epoch,
            update.loss,
            update.learning_rate,
            update.gradient_norm,
            texts / self.last,
            tokens / self.last,
            left,
        )

    def overall(self) -> tuple[float, float]:
        seconds = self.seconds or 1.0
        return self.texts / seconds, self.tokens / seconds
