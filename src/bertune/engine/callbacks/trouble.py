"""Notices runs that learn nothing: losses that are not finite, and models that give every text one class."""

import math
from typing import Any

from bertune.engine.events import Evaluated, Stepped, Stop, Warn, Wish


class Trouble:
    """Stops a run that diverged or collapsed, naming the cure; `code` tells which after the run.

    Diverged: three updates in a row whose loss or gradient is not finite. Collapsed: after `patience` checks every
    guess is one class though the split holds several (Mosbach et al. 2021: a failed run is one no better than the
    majority class).
    """

    def __init__(self, gold_classes: int, patience: int = 2) -> None:
        self.gold_classes, self.patience = gold_classes, patience
        self.broken, self.flat = 0, 0
        self.code: str | None = None

    def on_stepped(self, event: Stepped) -> list[Wish] | None:
        """Count updates whose loss is not finite."""
        self.broken = self.broken + 1 if not math.isfinite(event.loss) else 0
        if self.broken == 1:
            return [Warn("not_finite", f"step {event.step}: the loss or gradient is not finite; update left out")]
        if self.broken >= 3:
            self.code = "diverged"
            return [Stop("diverged: the loss is not finite for 3 updates; a lower learning rate cures it")]
        return None

    def on_evaluated(self, event: Evaluated) -> list[Wish] | None:
        """Count checks in which every guess was the same class."""
        if self.gold_classes < 2:
            return None
        self.flat = self.flat + 1 if event.guessed_classes == 1 else 0
        if self.flat < self.patience or event.epoch < 1:
            return None
        self.code = "collapsed"
        return [Stop("collapsed: every text gets one class; a lower learning rate and a longer warm-up cure it")]

    def state(self) -> dict[str, Any]:
        """What a resume needs."""
        return {"broken": self.broken, "flat": self.flat, "code": self.code}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.broken, self.flat, self.code = state["broken"], state["flat"], state["code"]
