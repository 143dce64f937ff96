"""The same factor at every update."""

from typing import Annotated

from annotated_types import Gt, Le
from pydantic import Field

from bertune.schedules._schedule import Schedule, progress


class Exponential(Schedule):
    """Falls by the same factor at every update, to gamma at the end of the run.

    Source: torch.optim.lr_scheduler.ExponentialLR with gamma ** (1 / steps).
    """

    def __init__(
        self, *, gamma: Annotated[float, Gt(0), Le(1), Field(description="factor at the end of the run")] = 0.05
    ) -> None:
        self._gamma = gamma

    def factor(self, step: int, steps: int) -> float:
        """gamma ** (step / steps)."""
        return float(self._gamma ** progress(step, steps))
