"""Down when nothing gets better."""

import math
from typing import Annotated, Any

from annotated_types import Ge, Gt, Lt
from pydantic import Field

from bertune.schedules._schedule import Schedule


class ReduceOnPlateau(Schedule):
    """Falls by a factor when the validation score has not risen for more than `patience` checks.

    A score that is not a number counts as no rise. Source: torch.optim.lr_scheduler.ReduceLROnPlateau(mode "max",
    threshold_mode "abs").
    """

    def __init__(
        self,
        *,
        factor: Annotated[float, Gt(0), Lt(1), Field(description="what the rate is multiplied by each time")] = 0.5,
        patience: Annotated[int, Ge(0), Field(description="checks without rise that are let pass")] = 1,
        minimum: Annotated[float, Ge(0), Lt(1), Field(description="smallest factor")] = 0.0,
        minimum_gain: Annotated[float, Ge(0), Field(description="smallest rise that counts")] = 0.0,
    ) -> None:
        self._fall, self._patience, self._minimum, self._gain = factor, patience, minimum, minimum_gain
        self._factor, self._waited = 1.0, 0
        self._best: float | None = None

    def factor(self, step: int, steps: int) -> float:
        """What the falls so far have left of the peak rate, whatever the step."""
        return self._factor

    def observe(self, score: float) -> None:
        """Take note of a validation score, higher is better."""
        if not math.isnan(score) and (self._best is None or score > self._best + self._gain):
            self._best, self._waited = float(score), 0
            return
        self._waited += 1
        if self._waited > self._patience:
            self._factor, self._waited = max(self._factor * self._fall, self._minimum), 0

    def state(self) -> dict[str, Any]:
        """The factor, the best score (None before any) and the checks waited since."""
        return {"factor": self._factor, "best": self._best, "waited": self._waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave."""
        self._factor, self._best, self._waited = float(state["factor"]), state["best"], int(state["waited"])
