"""Where in a row's ranking the things stand that should be found: what the metrics of retrieval share."""

from typing import ClassVar

from bertune.base.types import Judged
from bertune.metrics._probabilities import OfRows


def places(judged: Judged) -> list[tuple[list[int], int]]:
    """For each row the places, from 1 and rising, of what should be found, and how much that is.

    What is guessed twice counts at its first place.
    """
    found = []
    for wanted, guessed in zip(judged.gold, judged.guess, strict=True):
        first: dict[object, int] = {}
        for place, one in enumerate(guessed, start=1):
            if one in wanted:
                first.setdefault(one, place)
        found.append((list(first.values()), len(wanted)))
    return found


class OfPlaces(OfRows):
    """A metric that is the mean of one value a ranking, in [0, 1]."""

    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "ranking"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)
