"""Up, then all the way down."""

import math
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Lt
from pydantic import Field

from bertune.schedules._schedule import Schedule


class OneCycle(Schedule):
    """Half a cosine up to the peak and another down to almost nothing; it brings its own warm-up.

    Momentum is left alone. Source: Smith and Topin 2018, section 3; torch.optim.lr_scheduler.OneCycleLR(anneal
    "cos", two phases), of which it has every value for step < steps.
    """

    own_warmup: ClassVar[bool] = True

    def __init__(
        self,
        *,
        peak: Annotated[float, Gt(0), Lt(1), Field(description="share of the run after which the peak stands")] = 0.3,
        initial_division: Annotated[float, Ge(1), Field(description="peak over first rate")] = 25.0,
        final_division: Annotated[float, Ge(1), Field(description="first rate over last rate")] = 1e4,
    ) -> None:
        self._peak = peak
        self._first = 1.0 / initial_division
        self._last = self._first / final_division

    def factor(self, step: int, steps: int) -> float:
        """From 1 / initial_division up to 1 at update peak · steps, down to the last rate at the last update."""
        top, last = max(self._peak * steps - 1.0, 0.0), float(steps - 1)
        if step < top:
            return _between(self._first, 1.0, step / top)
        return _between(1.0, self._last, min((step - top) / (last - top), 1.0) if last > top else 1.0)


def _between(start: float, end: float, share: float) -> float:
    """Half a cosine from start to end."""
    return min(1.0, end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * share)))
