"""Notices runs that learn nothing: losses that are not finite, and models that give every text one class."""

import math
from collections.abc import Sequence
from typing import Any

from bertune.engine.events import Evaluated, Stepped, Stop, Warn, Wish

FEWEST_UPDATES = 100  # before that a model that says one class may simply not have learnt yet
NEARLY = 0.98
DEAD = 1e-3  # pretrained models spread their logits by 0.008 and more before the first update, dead ones by 0.0005
ALIVE = 4 * DEAD  # a model that spreads them by less to begin with (random weights) is not judged so


class Trouble:
    """Stops a run that diverged or collapsed, naming the cure; `code` tells which after the run.

    `beginning` is the spread of the logits before the first update; with None no spread is judged.

    Diverged: three updates in a row whose loss or gradient is not finite. Collapsed: at any check, the logits of the
    validation rows spread by less than DEAD though they began above ALIVE, so that no text moves the answer (it is told
    at the first check, within the first epoch); or in `patience` checks in a row, each after at least FEWEST_UPDATES,
    every guess is one class and the loss is no lower than that of the class shares alone (Mosbach et al. 2021: a failed
    run is one no better than the majority class). `shares` are the shares of the classes in the validation rows; with
    none, nothing is judged.
    """

    def __init__(self, shares: Sequence[float], patience: int = 2) -> None:
        self.blind_loss = -sum(share * math.log(share) for share in shares if share > 0)
        self.patience = patience
        self.broken, self.flat = 0, 0
        self.code: str | None = None
        self.beginning: float | None = None

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
        if event.spread is not None and event.spread < DEAD and (self.beginning or 0.0) > ALIVE:
            return self._collapsed("the answer is the same whatever the text")
        if event.step < FEWEST_UPDATES:
            return None
        blind = event.guessed_classes == 1 and event.loss >= NEARLY * self.blind_loss
        self.flat = self.flat + 1 if blind else 0
        if self.flat < self.patience:
            return None
        return self._collapsed("every text gets one class")

    def _collapsed(self, sign: str) -> list[Wish]:
        self.code = "collapsed"
        return [Stop(f"collapsed: {sign}; a lower learning rate and a longer warm-up cure it")]

    def state(self) -> dict[str, Any]:
        """What a resume needs."""
        return {"broken": self.broken, "flat": self.flat, "code": self.code, "beginning": self.beginning}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.broken, self.flat, self.code = state["broken"], state["flat"], state["code"]
        self.beginning = state["beginning"]
