"""A straight line down."""

from bertune.schedules._schedule import End, Schedule, progress


class Linear(Schedule):
    """A straight line from the peak to `end`; the usual choice for fine-tuning.

    Source: Devlin et al. 2019, appendix A.2; transformers
    get_linear_schedule_with_warmup (end = 0).
    """

    def __init__(self, *, end: End = 0.0) -> None:
        self._end = end

    def factor(self, step: int, steps: int) -> float:
        """1 - (1 - end) · step / steps."""
        return 1.0 - (1.0 - self._end) * progress(step, steps)
