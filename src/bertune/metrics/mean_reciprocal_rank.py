"""Mean reciprocal rank."""

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._places import OfPlaces, places


class MeanReciprocalRank(OfPlaces):
    """Mean of 1 / the place of the first thing found that should be, in [0, 1]; 0 where none is found.

    The whole list counts, however long it is. Source: Voorhees (1999), The TREC-8 question answering track report.
    """

    def of_rows(self, judged: Judged) -> Floats:
        """1 / place."""
        return np.array([1.0 / at[0] if at else 0.0 for at, _ in places(judged)], dtype=np.float64)
