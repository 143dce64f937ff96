"""Rows of frequent classes left out, others each epoch."""

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le
from pydantic import Field

from bertune.base.seeds import generator
from bertune.base.types import Ints


class UnderSampling:
    """Frequent classes cut so that the smallest class has `balance` times the rows of each.

    Each epoch shows the next rows of a cut class, so over enough epochs every row is seen equally often, up to one.
    """

    def __init__(
        self,
        *,
        balance: Annotated[
            float, Gt(0), Le(1), Field(description="rows of the smallest class over those of each")
        ] = 1.0,
    ) -> None:
        self.balance = balance

    def rows(self, classes: Ints, seed: int, epoch: int) -> Ints:
        """Positions of the rows that one epoch shows, shuffled; a pure function of its arguments."""
        found, counts = np.unique(classes, return_counts=True)
        if not len(found):
            return np.zeros(0, dtype=np.int64)
        most = max(1, round(int(counts.min()) / self.balance))
        shown = []
        for one, count in zip(found.tolist(), counts.tolist(), strict=True):
            rows = generator(seed, "under_sampling", one).permutation(np.flatnonzero(classes == one))
            kept = min(most, count)
            shown.append(rows[(epoch * kept + np.arange(kept)) % count])
        return generator(seed, "under_sampling", "order", epoch).permutation(np.concatenate(shown))
