"""Stairs at chosen places."""

from typing import Annotated

from pydantic import Field

from bertune.schedules._schedule import Factor, Schedule, Share


class MultiStep(Schedule):
    """Falls by a factor at each of the given shares of the run.

    Source: torch.optim.lr_scheduler.MultiStepLR with milestones · steps, rounded.
    """

    def __init__(
        self,
        *,
        milestones: Annotated[tuple[Share, ...], Field(description="shares of the run at which it falls")] = (
            0.5,
            0.75,
        ),
        gamma: Factor = 0.1,
    ) -> None:
        self._milestones, self._gamma = milestones, gamma

    def factor(self, step: int, steps: int) -> float:
        """gamma ** (number of milestones reached)."""
        return float(self._gamma ** sum(step >= round(share * steps) for share in self._milestones))
