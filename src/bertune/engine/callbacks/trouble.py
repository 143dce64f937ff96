"""Notices runs that learn nothing: losses that are not finite, and models that give every text one class."""

import math
from collections.abc import Sequence
from typing import Any

from bertune.engine.events import Evaluated, Stepped, Stop, Warn, Wish

FEWEST_UPDATES = 100  # before that a model that says one class may simply not have learnt yet
NEARLY = 0.98
DEAD = 0.25  # of an earlier spread: runs that learn did not fall below it, those that collapse fall far below
ALIVE = 0.004  # a model whose logits spread by less to begin with (random weights) is not judged so
FEW_CLASSES = 10  # guesses of one class, or of so many times fewer classes than there are


class Trouble:
    """Stops a run that diverged or collapsed, naming the cure; `code` tells which after the run.

    `beginning` is the spread of the logits before the first update, 0 where that is not known; `highest` that of any
    check.

    Diverged: three updates in a row whose loss or gradient is not finite. Collapsed: at any check, the logits of the
    validation rows spread by less than DEAD of `beginning`, or guess one class and spread by less than DEAD of
    `highest`, so that hardly a text moves the answer any more; only where `beginning` is above ALIVE. Or in `patience`
    checks in a row, each after at least FEWEST_UPDATES, a tenth of the classes or fewer, or one, is guessed, and the
    loss is no lower than that of the class shares alone (Mosbach et al. 2021: a failed run is one no better than the
    majority class). `shares` are the shares of the classes in the validation rows; with none, nothing is judged.
    """

    def __init__(self, shares: Sequence[float], patience: int = 2) -> None:
        self.blind_loss = -sum(share * math.log(share) for share in shares if share > 0)
        self.classes = sum(share > 0 for share in shares)
        self.patience = patience
        self.broken, self.flat = 0, 0
        self.code: str | None = None
        self.beginning, self.highest = 0.0, 0.0

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
        """Look whether the answers depend on the text, and count checks in which every guess was the same class."""
        if not self.blind_loss:
            return None
        if self.beginning > ALIVE and self._faded(event):
            return self._collapsed("the answer is nearly the same whatever the text")
        if event.step < FEWEST_UPDATES:
            return None
        blind = event.guessed_classes <= max(1, self.classes // FEW_CLASSES) and event.loss >= NEARLY * self.blind_loss
        self.flat = self.flat + 1 if blind else 0
        if self.flat < self.patience:
            return None
        return self._collapsed(
            "every text gets one of very few classes" if event.guessed_classes > 1 else "every text gets one class"
        )

    def _faded(self, event: Evaluated) -> bool:
        """Whether the texts move the answer much less than they did."""
        if event.spread is None:
            return False
        self.highest = max(self.highest, event.spread, self.beginning)
        before = self.highest if event.guessed_classes == 1 else self.beginning
        return event.spread < DEAD * before

    def _collapsed(self, sign: str) -> list[Wish]:
        self.code = "collapsed"
        return [Stop(f"collapsed: {sign}; a lower learning rate and a longer warm-up cure it")]

    def state(self) -> dict[str, Any]:
        """What a resume needs."""
        return {
            "broken": self.broken,
            "flat": self.flat,
            "code": self.code,
            "beginning": self.beginning,
            "highest": self.highest,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.broken, self.flat, self.code = state["broken"], state["flat"], state["code"]
        self.beginning = state["beginning"]
        self.highest = state["highest"]
