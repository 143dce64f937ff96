"""A power of what is left."""

from typing import Annotated

from annotated_types import Gt, Le
from pydantic import Field

from bertune.schedules._schedule import End, Schedule, progress


class Polynomial(Schedule):
    """Falls with a power of the share of the run that is left, to `end`.

    Source: transformers get_polynomial_decay_schedule_with_warmup.
    """

    def __init__(
        self,
        *,
        power: Annotated[float, Gt(0), Le(10), Field(description="1: a straight line; 2: fast, then slow")] = 2.0,
        end: End = 0.0,
    ) -> None:
        self._power, self._end = power, end

    def factor(self, step: int, steps: int) -> float:
        """end + (1 - end) · (1 - step / steps) ** power."""
        return float(self._end + (1.0 - self._end) * (1.0 - progress(step, steps)) ** self._power)
