"""What the schedules share: the base class, which has nothing to observe and nothing to keep."""

from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Le
from pydantic import Field

End = Annotated[float, Ge(0), Le(1), Field(description="factor at the end of the run")]
Factor = Annotated[float, Gt(0), Le(1), Field(description="what the rate is multiplied by each time")]
Share = Annotated[float, Gt(0), Le(1)]


class Schedule:
    """The learning rate over a run, as a multiplier of its peak.

    `own_warmup`: the schedule rises by itself, so the engine adds no warm-up before it.
    """

    own_warmup: ClassVar[bool] = False

    def factor(self, step: int, steps: int) -> float:
        """Multiplier in [0, 1] of the peak rate for update number `step` (0 … steps) after warm-up, of `steps`."""
        raise NotImplementedError

    def observe(self, score: float) -> None:
        """Take note of a validation score, higher is better; most schedules do not care."""

    def state(self) -> dict[str, Any]:
        """What was learnt from observed scores, as JSON values."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to what `state` gave."""


def progress(step: int, steps: int) -> float:
    """Share of the run that is done, in [0, 1]; a run of no steps counts as one step."""
    return min(max(step, 0) / max(steps, 1), 1.0)
