"""Which rows to label next: those in doubt, and far from each other."""

import numpy as np

from bertune.base.types import Floats, Ints

MOST = 20_000  # rows compared; of more, those most in doubt


def next_rows(doubt: Floats, states: Floats, count: int) -> Ints:
    """The positions of `count` rows, the first to label first.

    The first is the one most in doubt; each next has the largest product of its doubt and its squared distance to the
    nearest one chosen (states[rows, hidden] are taken at length 1, so distances are of direction). So no two nearly
    equal rows are both chosen while others are in doubt. Nothing is drawn.
    Source: Ash et al. 2020 (BADGE) join doubt and spread; the greedy choice of the farthest is Gonzalez 1985, as for
    core-sets in Sener and Savarese 2018.
    """
    pool = np.argsort(-doubt, kind="stable")[:MOST]
    unit = states[pool] / np.maximum(np.linalg.norm(states[pool], axis=1, keepdims=True), 1e-12)
    weight = np.maximum(doubt[pool], 1e-9)  # rows without any doubt come last, spread out
    chosen = [0][: len(pool)]
    nearest = np.full(len(pool), np.inf)
    while len(chosen) < min(count, len(pool)):
        nearest = np.minimum(nearest, 2.0 - 2.0 * unit @ unit[chosen[-1]])
        gain = weight * np.maximum(nearest, 0.0)
        gain[chosen] = -1.0
        chosen.append(int(gain.argmax()))
    return pool[chosen]
