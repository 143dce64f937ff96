"""Stops when the chosen metric no longer rises, and has the best weights kept."""

from typing import Any

from bertune.engine.events import Evaluated, Save, Stop, Wish


class EarlyStopping:
    """Wishes for a Save at each new best and for a Stop after `patience` checks without a gain of `minimum_gain`.

    `higher` tells whether more of the metric is better. Of equal scores the one with the lower loss is the better.
    Source: Prechelt 1998, Early Stopping - But When?, criterion UP.
    """

    def __init__(self, metric: str, higher: bool, patience: int, minimum_gain: float, active: bool) -> None:
        self.metric, self.higher, self.patience = metric, higher, patience
        self.minimum_gain, self.active = minimum_gain, active
        self.best: tuple[float, float] | None = None
        self.best_step: int | None = None
        self.best_epoch = 0.0
        self.reference: float | None = None
        self.waited = 0

    def on_evaluated(self, event: Evaluated) -> list[Wish]:
        """Compare with the best so far."""
        value = event.scores[self.metric] if self.higher else -event.scores[self.metric]
        wishes: list[Wish] = []
        if self.best is None or (value, -event.loss) > self.best:
            self.best, self.best_step, self.best_epoch = (value, -event.loss), event.step, event.epoch
            wishes.append(Save("best", best=True))
        if self.reference is None or value >= self.reference + self.minimum_gain:
            self.reference, self.waited = value, 0
        else:
            self.waited += 1
        if self.active and self.waited >= self.patience:
            wishes.append(Stop(f"{self.metric} has not risen by {self.minimum_gain:g} for {self.patience} checks"))
        return wishes

    @property
    def best_value(self) -> float | None:
        """The best score so far, as the metric gives it."""
        return None if self.best is None else (self.best[0] if self.higher else -self.best[0])

    def state(self) -> dict[str, Any]:
        """What a resume needs."""
        return {
            "best": None if self.best is None else list(self.best), "best_step": self.best_step,
            "best_epoch": self.best_epoch, "reference": self.reference, "waited": self.waited,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.best = None if state["best"] is None else (state["best"][0], state["best"][1])
        self.best_step, self.best_epoch = state["best_step"], state["best_epoch"]
        self.reference, self.waited = state["reference"], state["waited"]
