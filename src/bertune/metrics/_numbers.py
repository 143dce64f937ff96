"""What the metrics of numbers share: gold and guess as numbers, and a correlation from sums."""

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._confusion import ratio

HAIR = 1e-12  # share of the sum of squares below which a spread is rounding: the values are one


def numbers(judged: Judged) -> tuple[Floats, Floats]:
    """Gold and guess, each [rows]."""
    return np.asarray(judged.gold, dtype=np.float64), np.asarray(judged.guess, dtype=np.float64)


def centred(values: Floats) -> Floats:
    """Values [rows] less their mean, divided by the largest distance from it: in [-1, 1].

    Sums of squares so keep their digits, however far from 0 the values lie.
    """
    if not len(values):
        return values
    off = values - values.mean()
    largest = float(np.abs(off).max())
    return np.asarray(off / largest if largest > 0 else off)


def spread(n: Floats, total: Floats, squares: Floats) -> Floats:
    """Sum of squared distances from the mean [...], from the number of values, their sum and the sum of their squares.

    0 where all values are one, but for rounding.
    """
    found = squares - ratio(total**2, n)
    return np.asarray(np.where(found <= HAIR * squares, 0.0, found))


def products(x: Floats, y: Floats) -> Floats:
    """What each row brings to the sums of a correlation [rows, 6]: 1, x, y, x², y² and xy."""
    return np.column_stack([np.ones(len(x)), x, y, x**2, y**2, x * y])


def correlation(sums: Floats) -> Floats:
    """Pearson's correlation [...] in [-1, 1] of sums of `products` [..., 6]; 0 where x or y is one value throughout."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    below = np.sqrt(spread(n, x, xx)) * np.sqrt(spread(n, y, yy))
    return np.clip(ratio(xy - ratio(x * y, n), below), -1.0, 1.0)
