"""Rows of rare classes shown more than once an epoch."""

from typing import Annotated

import numpy as np
from annotated_types import Gt, Le
from pydantic import Field

from bertune.base.seeds import generator
from bertune.base.types import Ints


class OverSampling:
    """Rare classes repeated until each has `balance` times the rows of the largest class.

    Every row is shown at least once; the rows of one class are shown equally often, up to one. Which rows are shown
    once more changes with the epoch.
    """

    def __init__(
        self,
        *,
        balance: Annotated[
            float, Gt(0), Le(1), Field(description="rows of each class over those of the largest")
        ] = 1.0,
    ) -> None:
        self.balance = balance

    def rows(self, classes: Ints, seed: int, epoch: int) -> Ints:
        """Positions of the rows that one epoch shows, shuffled; a pure function of its arguments."""
        random = generator(seed, "over_sampling", epoch)
        found, counts = np.unique(classes, return_counts=True)
        least = round(self.balance * int(counts.max(initial=0)))
        shown = []
        for one, count in zip(found.tolist(), counts.tolist(), strict=True):
            rows = random.permutation(np.flatnonzero(classes == one))
            shown.append(np.resize(rows, max(count, least)))
        return random.permutation(np.concatenate(shown)) if shown else np.zeros(0, dtype=np.int64)
