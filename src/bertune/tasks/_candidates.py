"""The texts that are put in order for each row: the right one and those that are not."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Examples
from bertune.tasks._vectors import MORE_TEXTS


def candidates_of(examples: Examples) -> list[tuple[str, ...]]:
    """The second text of each row, then the different ones that do not belong to it."""
    assert examples.pairs is not None
    more = examples.more.get(MORE_TEXTS, [()] * len(examples))
    return [
        tuple(dict.fromkeys([pair or "", *others])) for pair, others in zip(examples.pairs, more, strict=True)
    ]  # fmt: skip


def in_order(texts: Sequence[str], scores: NDArray[Any]) -> tuple[str, ...]:
    """Texts by their scores, the best first; of equals the later, so that the right one, the first, has no luck."""
    places = np.arange(len(texts))
    return tuple(texts[i] for i in np.lexsort((-places, -scores)).tolist())
