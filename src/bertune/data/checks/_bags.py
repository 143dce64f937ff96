"""Bags of words and a quick classifier on them, for checks that ask what texts tell."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bertune.base.types import Floats, Ints

WIDTH = 2**14
SMOOTHING = 0.1


def bags(texts: Sequence[str]) -> Any:
    """Which hashed words (of scripts without spaces: pairs of characters) each text has: sparse [texts, WIDTH]."""
    from sklearn.feature_extraction.text import HashingVectorizer  # slow to import

    spaced = sum(text.count(" ") for text in texts) * 12 > sum(map(len, texts))
    shape = {"token_pattern": r"(?u)\b\w+\b"} if spaced else {"analyzer": "char", "ngram_range": (1, 2)}
    return HashingVectorizer(n_features=WIDTH, alternate_sign=False, norm=None, binary=True, **shape).transform(texts)


def log_shares(rows: Any, targets: Ints, classes: int) -> tuple[Floats, Floats]:
    """Naive Bayes: log share of each word in each class [classes, WIDTH], and log share of each class.

    Source: McCallum and Nigam 1998, multinomial model; Rennie et al. 2003 for whole documents counted once.
    """
    counts = np.zeros((classes, rows.shape[1])) + SMOOTHING
    for k in range(classes):
        counts[k] += np.asarray(rows[targets == k].sum(axis=0)).ravel()
    sizes = np.bincount(targets, minlength=classes) + 1.0
    return np.log(counts / counts.sum(axis=1, keepdims=True)), np.log(sizes / sizes.sum())


def guesses(rows: Any, learned: tuple[Floats, Floats]) -> Floats:
    """The log odds of each class for each row: [rows, classes]."""
    words, classes = learned
    return np.asarray(rows @ words.T + classes)
