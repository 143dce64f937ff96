"""F1 of the rarest class."""

import numpy as np

from bertune.base.types import Floats
from bertune.metrics._confusion import Counts, OfCounts, f1


class F1OfRarest(OfCounts):
    """F1 of the class that is rarest in gold, in [0, 1]: of two classes, most often the one that is looked for.

    Of equally rare classes the last one counts, as scikit-learn's pos_label=1 has it for balanced pairs of classes.
    Classes that do not occur in gold are not considered. Reference: sklearn.metrics.f1_score(pos_label=...).
    """

    def of_counts(self, counts: Counts) -> Floats:
        """F1 of one class."""
        usual = np.where(counts.usual > 0, counts.usual, np.inf)
        rarest = len(usual) - 1 - int(np.argmin(usual[::-1]))
        return np.asarray(f1(counts)[..., rarest])
