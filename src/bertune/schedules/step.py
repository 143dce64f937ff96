"""Stairs of equal length."""

from typing import Annotated

from pydantic import Field

from bertune.schedules._schedule import Factor, Schedule, Share


class Step(Schedule):
    """Falls by a factor each time the same share of the run is done.

    Source: torch.optim.lr_scheduler.StepLR with step_size = every · steps, rounded, at least 1.
    """

    def __init__(
        self,
        *,
        every: Annotated[Share, Field(description="share of the run between two falls")] = 0.25,
        gamma: Factor = 0.5,
    ) -> None:
        self._every, self._gamma = every, gamma

    def factor(self, step: int, steps: int) -> float:
        """gamma ** (number of falls so far)."""
        period = max(1, round(self._every * steps))
        return float(self._gamma ** (min(step, steps) // period))
