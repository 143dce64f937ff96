"""Down with the root of time."""

import math
from typing import Annotated

from pydantic import Field

from bertune.schedules._schedule import Schedule, Share


class InverseSquareRoot(Schedule):
    """Falls with the square root of the time since warm-up, so that the end need not be known.

    Source: Vaswani et al. 2017, equation 3; transformers get_inverse_sqrt_schedule(timescale) with its shift left out.
    """

    def __init__(
        self,
        *,
        timescale: Annotated[
            Share, Field(description="share of the run that divides the time; as long as warm-up in the paper")
        ] = 0.06,
    ) -> None:
        self._timescale = timescale

    def factor(self, step: int, steps: int) -> float:
        """1 / sqrt(1 + step / (timescale · steps)), the divisor being at least one update."""
        return 1.0 / math.sqrt(1.0 + min(step, steps) / max(self._timescale * steps, 1.0))
