"""Time spent in updates alone, over every start of a run, and what follows from it."""

import time

from bertune.engine.events import Stepped
from bertune.engine.learner import Update

Spent = tuple[float, int, int]
SHORTEST = 1e-9  # seconds: a clock that stands still or falls back gives no infinite speed


class Clock:
    """Counts seconds, texts and tokens of updates; `spent` is what earlier starts of the run counted."""

    def __init__(self, spent: Spent, steps: int) -> None:
        self.seconds, self.texts, self.tokens = spent
        self.steps, self.last = steps, 0.0

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.last = max(time.perf_counter() - self._start, SHORTEST)
        self.seconds += self.last

    @property
    def spent(self) -> Spent:
        """Seconds, texts and tokens of all updates so far."""
        return self.seconds, self.texts, self.tokens

    def stepped(self, step: int, epoch: float, update: Update, texts: int, tokens: int) -> Stepped:
        """The event of the update that was just timed."""
        self.texts, self.tokens = self.texts + texts, self.tokens + tokens
        left = self.seconds / step * (self.steps - step)
        return Stepped(
            step, epoch, update.loss, update.learning_rate, update.gradient_norm, texts / self.last, tokens / self.last,
            left,
        )  # fmt: skip

    def overall(self) -> tuple[float, float]:
        """Texts and tokens per second of all updates."""
        seconds = self.seconds or 1.0
        return self.texts / seconds, self.tokens / seconds
