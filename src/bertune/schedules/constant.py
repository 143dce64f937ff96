"""No change."""

from bertune.schedules._schedule import Schedule


class Constant(Schedule):
    """The peak rate throughout.

    Source: transformers get_constant_schedule_with_warmup.
    """

    def factor(self, step: int, steps: int) -> float:
        """1."""
        return 1.0
