"""Half a cosine, again and again."""

import math
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import Field

from bertune.schedules._schedule import Schedule, progress


class CosineWithRestarts(Schedule):
    """Several half cosines of equal length from the peak to 0, each starting from the peak again.

    Source: Loshchilov and Hutter 2017, section 3 with T_mult = 1; transformers
    get_cosine_with_hard_restarts_schedule_with_warmup.
    """

    def __init__(
        self, *, cycles: Annotated[int, Ge(1), Le(1000), Field(description="half cosines in the run")] = 3
    ) -> None:
        self._cycles = cycles

    def factor(self, step: int, steps: int) -> float:
        """(1 + cos(pi · share of the cycle done)) / 2; 0 at the end of the run."""
        done = progress(step, steps)
        return 0.0 if done >= 1.0 else 0.5 * (1.0 + math.cos(math.pi * (self._cycles * done % 1.0)))
