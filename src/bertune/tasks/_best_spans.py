"""The best spans of a context from scores of where an answer begins and ends."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bertune.base.types import Floats, Ints

TOP = 20  # starts and ends of each window that are tried against each other


@dataclass(frozen=True, eq=False)
class Best:
    """The best spans of a row, the best first: characters start[n], end[n], score[n]; and the score of no answer."""

    start: Ints
    end: Ints
    score: Floats
    none: float


def best_spans(scores: Floats, windows: Ints, begin: Ints, end: Ints, longest: int, most: int) -> Best:
    """The `most` best distinct spans of at most `longest` tokens.

    scores[tokens, 2] of all windows of a row, windows[windows + 1] where each begins, begin[tokens] and end[tokens] the
    characters, -1 for tokens that are not of the context. No answer scores as the first token of a window does, the
    least of all windows.
    Source: Devlin et al. 2019, section 4.3 (a null span at the first token); Rajpurkar et al. 2018 for its threshold.
    """
    found: dict[tuple[int, int], float] = {}
    none = np.inf
    for first, last in zip(windows[:-1].tolist(), windows[1:].tolist(), strict=True):
        own = scores[first:last]
        none = min(none, float(own[0].sum()))
        for s, e, score in _of_window(own, begin[first:last] >= 0, longest):
            key = (int(begin[first + s]), int(end[first + e]))
            found[key] = max(found.get(key, -np.inf), score)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:most]
    places = np.array([place for place, _ in ranked], np.int64).reshape(-1, 2)
    return Best(places[:, 0], places[:, 1], np.array([score for _, score in ranked]), none)


def _of_window(scores: Floats, inside: NDArray[np.bool_], longest: int) -> list[tuple[int, int, float]]:
    at = np.flatnonzero(inside)
    if not len(at):
        return []
    starts = at[np.argsort(-scores[at, 0], kind="stable")[:TOP]]
    ends = at[np.argsort(-scores[at, 1], kind="stable")[:TOP]]
    total = scores[starts, 0][:, None] + scores[ends, 1][None, :]
    fits = (ends[None, :] >= starts[:, None]) & (ends[None, :] - starts[:, None] < longest)
    rows, columns = np.nonzero(fits)
    return [(int(starts[r]), int(ends[c]), float(total[r, c])) for r, c in zip(rows, columns, strict=True)]
