"""Cross-entropy weighed by the effective number of rows of a class."""

from typing import Annotated

import torch
from annotated_types import Ge, Lt
from pydantic import Field
from torch import Tensor

from bertune.losses._weighing import Weighing, balanced


class ClassBalanced(Weighing):
    """Cross-entropy in which a class of n rows weighs (1 - beta) / (1 - beta ** n).

    beta 0 weighs all rows alike, beta towards 1 comes to weighted with inverse. Weights have mean 1 over the classes
    that have rows. Source: Cui et al. 2019, equation 4.
    """

    def __init__(
        self,
        *,
        beta: Annotated[float, Ge(0), Lt(1), Field(description="share of a row that is news after others")] = 0.999,
    ) -> None:
        self._beta = beta

    def weights_of(self, counts: Tensor) -> Tensor:
        """One weight per class, 0 for classes without rows."""
        if self._beta == 0.0:
            return balanced(counts, torch.ones_like(counts))
        # expm1 keeps 1 - beta ** n exact for beta close to 1.
        effective = -torch.expm1(counts * torch.log(torch.tensor(self._beta, dtype=torch.float64)))
        return balanced(counts, (1.0 - self._beta) / effective)
