"""Half a cosine."""

import math

from bertune.schedules._schedule import End, Schedule, progress


class Cosine(Schedule):
    """Half a cosine from the peak to `end`: slow, fast, slow.

    Source: Loshchilov and Hutter 2017, equation 5 without restarts; torch.optim.lr_scheduler.CosineAnnealingLR.
    """

    def __init__(self, *, end: End = 0.0) -> None:
        self._end = end

    def factor(self, step: int, steps: int) -> float:
        """end + (1 - end) · (1 + cos(pi · step / steps)) / 2."""
        return self._end + (1.0 - self._end) * 0.5 * (1.0 + math.cos(math.pi * progress(step, steps)))
