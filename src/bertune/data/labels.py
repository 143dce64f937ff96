"""Whether rows that were given to validate or test by say what is to be found in them."""

from collections.abc import Sequence
from typing import Any

FEWEST = 10  # as many rows that all say one thing are no chance


def unanswered(gold: Sequence[Any], training: Sequence[Any]) -> bool:
    """Whether no row has gold, or FEWEST rows and more all have the same that no training row has: a place holder, such
    as the -1 of GLUE's test files."""
    told = [value for value in gold if value is not None]
    if not told:
        return True
    first = told[0]
    return len(told) >= FEWEST and all(value == first for value in told) and all(value != first for value in training)
