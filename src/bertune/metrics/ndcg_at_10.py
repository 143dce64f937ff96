"""Normalised discounted cumulative gain at 10."""

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._places import OfPlaces, places

FIRST = 10


class NdcgAt10(OfPlaces):
    """Gain of the first 10 that were found over the most that is possible, in [0, 1], averaged over the rows.

    What should be found gains 1 / log2(place + 1), anything else nothing. A row where nothing should be found counts
    as 0. Source: Järvelin and Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques.
    Reference: sklearn.metrics.ndcg_score.
    """

    def of_rows(self, judged: Judged) -> Floats:
        """Gain over the gain of a ranking with all that should be found in front."""
        gain = 1.0 / np.log2(np.arange(2, FIRST + 2))
        shares = [
            gain[[p - 1 for p in at if p <= FIRST]].sum() / gain[:wanted].sum() if wanted else 0.0
            for at, wanted in places(judged)
        ]
        return np.array(shares, dtype=np.float64)
