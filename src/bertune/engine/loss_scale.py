"""The factor on a loss that keeps the small gradients of float16 from vanishing."""

import math
from dataclasses import dataclass

LEAST = 1.0  # a gradient that is not finite without any factor is not the factor's fault
GROWS_AFTER = 2000  # updates in a row that were finite


@dataclass
class LossScale:
    """Doubles after 2,000 finite updates in a row, halves at each that is not.

    Source: Micikevicius et al. (2018), Mixed precision training, section 3.2; numbers as in torch.amp.GradScaler.
    """

    factor: float = 65536.0
    finite: int = 0

    def seen(self, norm: float) -> bool:
        """Learn from the norm of a gradient; whether that was too large for the factor, which is smaller now."""
        if math.isfinite(norm):
            self.finite += 1
            if self.finite == GROWS_AFTER:
                self.factor, self.finite = self.factor * 2, 0
            return False
        self.finite = 0
        if self.factor <= LEAST:
            return False
        self.factor /= 2
        return True
