"""What the metrics of entities share: spans found, spans there, and both."""

from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._sums import OfSums


class OfSpans(OfSums):
    """A metric of whole entities: a span counts as right only with the same start, end and type.

    The sums are [..., 3]: spans right, spans in gold, spans guessed. A span that a row holds twice counts once.
    Source: Tjong Kim Sang and De Meulder (2003), Introduction to the CoNLL-2003 shared task.
    """

    kind: ClassVar[str] = "spans"

    def entries(self, judged: Judged) -> Floats:
        """Spans right, in gold and guessed of each row [rows, 3]."""
        pairs = [(set(gold), set(guess)) for gold, guess in zip(judged.gold, judged.guess, strict=True)]
        counts = [(len(gold & guess), len(gold), len(guess)) for gold, guess in pairs]
        return np.array(counts, dtype=np.float64).reshape(-1, 3)
