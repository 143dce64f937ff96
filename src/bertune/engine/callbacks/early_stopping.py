"""Stops when the chosen metric no longer rises, and says which weights are to be kept."""

from typing import Any

from bertune.engine.events import Evaluated, Save, Stop, Wish


class EarlyStopping:
    """Wishes for a Save of the weights to keep and for a Stop after `patience` checks without a gain of `minimum_gain`.

    Kept is the latest check whose score lies within `tolerance` standard errors of the highest: a higher score on a few
    rows is mostly luck, while the learning rate falls to the end. With tolerance 0 it is the highest, of equals the
    latest. `higher` tells whether more of the metric is better.
    Source: Prechelt 1998, Early Stopping - But When?, criterion UP; the rule of one standard error of Breiman et al.
    1984, section 3.4.3, with later in the place of simpler. Measured in docs/lab-notebook.md.
    """

    def __init__(
        self, metric: str, higher: bool, patience: int, minimum_gain: float, active: bool, tolerance: float = 0.0
    ) -> None:
        self.metric, self.higher, self.patience = metric, higher, patience
        self.minimum_gain, self.active, self.tolerance = minimum_gain, active, tolerance
        self.top: tuple[float, float] | None = None  # the highest score (its sign so that more is better), its error
        self.kept: float | None = None
        self.best_step: int | None = None
        self.best_epoch = 0.0
        self.reference: float | None = None
        self.waited = 0

    def on_evaluated(self, event: Evaluated) -> list[Wish]:
        """Compare with the highest score so far."""
        value = event.scores[self.metric] if self.higher else -event.scores[self.metric]
        wishes: list[Wish] = []
        if self.top is None or value > self.top[0]:
            self.top = value, event.error
        if value >= self.top[0] - self.tolerance * self.top[1]:
            self.kept, self.best_step, self.best_epoch = value, event.step, event.epoch
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
        """The score of the kept weights, as the metric gives it."""
        return None if self.kept is None else (self.kept if self.higher else -self.kept)

    @property
    def highest(self) -> float | None:
        """The best score of any check, as the metric gives it."""
        return None if self.top is None else (self.top[0] if self.higher else -self.top[0])

    def state(self) -> dict[str, Any]:
        """What a resume needs."""
        return {
            "top": None if self.top is None else list(self.top), "kept": self.kept, "best_step": self.best_step,
            "best_epoch": self.best_epoch, "reference": self.reference, "waited": self.waited,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` gave."""
        self.top = None if state["top"] is None else (state["top"][0], state["top"][1])
        self.kept, self.best_step, self.best_epoch = state["kept"], state["best_step"], state["best_epoch"]
        self.reference, self.waited = state["reference"], state["waited"]
