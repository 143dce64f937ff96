"""Sequences of tags under scores for each tag of a word and for each step from tag to tag."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from bertune.base.types import Floats, Ints

ROOM = 2**22  # numbers of one table [rows, from, to] or [rows, words, tags] at most, unless one row needs more


@dataclass(frozen=True, eq=False)
class Steps:
    """The scores of standing first [tags], of one tag after another [from, to], and of standing last [tags].

    Minus infinity forbids.
    """

    start: Floats
    transition: Floats
    end: Floats


def best_paths(scores: Sequence[Floats], steps: Steps) -> list[Ints]:
    """For rows of scores [words, tags] the tags [words] with the highest sum of scores and steps; the first of equals.

    Where all is forbidden each word has its own best tag. Source: Viterbi (1967), Error bounds for convolutional codes.
    """

    def of_portion(laid: Floats, first: Ints) -> Ints:
        onwards = _onwards(laid, steps, np.max)
        found = np.zeros(laid.shape[:2], np.int64)
        hopeless = np.zeros(len(laid), bool)
        for word in range(laid.shape[1]):
            begins = first == word
            total = np.where(begins[:, None], steps.start, steps.transition[found[:, word - 1]]) + onwards[:, word]
            hopeless |= begins & (total.max(axis=1) == -np.inf)
            found[:, word] = np.where(hopeless, laid[:, word].argmax(axis=1), total.argmax(axis=1))
        return found

    return _by_portions(scores, of_portion)


def marginals(scores: Sequence[Floats], steps: Steps) -> list[Floats]:
    """For rows of scores [words, tags] the probability [words, tags] of each tag among all sequences that are allowed.

    Source: Rabiner (1989), A tutorial on hidden Markov models, the forward-backward procedure.
    """

    def of_portion(laid: Floats, first: Ints) -> Floats:
        total = _onwards(laid, steps, logsumexp)
        before = np.zeros_like(laid[:, 0])
        for word in range(laid.shape[1]):
            onwards, begins = total[:, word], (first >= word)[:, None]
            arrived = np.where(begins, steps.start, logsumexp(before[:, :, None] + steps.transition, axis=1))
            before = arrived + laid[:, word]
            total[:, word] = arrived + onwards
        return np.asarray(softmax(total, axis=2))

    return _by_portions(scores, of_portion)


def _onwards(laid: Floats, steps: Steps, over: Callable[..., Any]) -> Floats:
    """The score of each tag of a word with what follows it: `over` (the best of it, or the sum of all) [as laid]."""
    found = laid.copy()
    found[:, -1] += steps.end
    for word in range(laid.shape[1] - 2, -1, -1):
        found[:, word] += over(steps.transition + found[:, word + 1, None, :], axis=2)
    return found


def _by_portions(scores: Sequence[Floats], of_portion: Callable[[Floats, Ints], NDArray[Any]]) -> list[Any]:
    """What `of_portion` gives for rows laid side by side [rows, words, tags], all of which end at the last word.

    It is told the place of each row's first word; what lies before is 0 and is not read.
    """
    found: list[Any] = [None] * len(scores)
    for rows in _portions(scores):
        longest = max(1, len(scores[rows[-1]]))
        laid = np.zeros((len(rows), longest, scores[rows[0]].shape[1]))
        first = np.array([longest - len(scores[row]) for row in rows], np.int64)
        for place, row in enumerate(rows):
            laid[place, first[place] :] = scores[row]
        made = of_portion(laid, first)
        for place, row in enumerate(rows):
            found[row] = made[place, first[place] :]
    return found


def _portions(scores: Sequence[Floats]) -> Iterator[list[int]]:
    """The rows, the shortest first, as many at once as there is room for."""
    held: list[int] = []
    for row in sorted(range(len(scores)), key=lambda i: len(scores[i])):
        words, tags = scores[row].shape
        if held and (len(held) + 1) * tags * max(words, tags) > ROOM:
            yield held
            held = []
        held.append(row)
    if held:
        yield held
