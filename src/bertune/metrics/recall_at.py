"""Recall among the first 1, 5 and 10 that were found."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._places import OfPlaces, places

PARTS = ("recall_at_1", "recall_at_5", "recall_at_10")


class _RecallAt(OfPlaces):
    first: ClassVar[int]

    def of_rows(self, judged: Judged) -> Floats:
        """Found among the first, over all that should be found."""
        shares = [sum(p <= self.first for p in at) / wanted if wanted else 0.0 for at, wanted in places(judged)]
        return np.array(shares, dtype=np.float64)


class RecallAt1(_RecallAt):
    """Share of what should be found that stands first, in [0, 1], averaged over the rows.

    Where several should be found it cannot reach 1; a row where nothing should be counts as 0.
    Source: Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval, section 8.4.
    """

    first: ClassVar[int] = 1


class RecallAt5(_RecallAt):
    """Share of what should be found that stands among the first 5, in [0, 1], averaged over the rows.

    A row where nothing should be found counts as 0. Source: as for recall_at_1.
    """

    first: ClassVar[int] = 5


class RecallAt10(_RecallAt):
    """Share of what should be found that stands among the first 10, in [0, 1], averaged over the rows.

    A row where nothing should be found counts as 0. Source: as for recall_at_1.
    """

    first: ClassVar[int] = 10
