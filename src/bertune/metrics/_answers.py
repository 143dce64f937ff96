"""What the metrics of extracted answers share: the best of several gold answers, and SQuAD's normal form of a text."""

import re
import string
from typing import ClassVar

import numpy as np

from bertune.base.types import Floats, Judged
from bertune.metrics._probabilities import OfRows

ARTICLE = re.compile(r"\b(?:a|an|the)\b")
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class OfAnswers(OfRows):
    """A metric of one answer a row against all gold answers of the row, the best of them counting; in [0, 1]."""

    best: ClassVar[str] = "high"
    kind: ClassVar[str] = "answer"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def of_rows(self, judged: Judged) -> Floats:
        """The value of each row [rows]."""
        pairs = zip(judged.gold, judged.guess, strict=True)
        return np.array([self.of_answer(tuple(gold), guess) for gold, guess in pairs], dtype=np.float64)

    def of_answer(self, gold: tuple[str, ...], guess: str) -> float:
        """The value of one guess; `gold` is empty where there is no answer, `guess` where none is given."""
        raise NotImplementedError


def words(text: str) -> list[str]:
    """The words of a text in small letters, without ASCII punctuation and without the articles a, an and the.

    Source: normalize_answer of the official evaluation scripts of SQuAD 1.1 and 2.0 (Rajpurkar et al., 2016 and 2018).
    """
    return ARTICLE.sub(" ", text.lower().translate(NO_PUNCTUATION)).split()


def accepted(gold: tuple[str, ...]) -> list[list[str]]:
    """The words of each gold answer that has any; where none has, the one answer that is no word at all."""
    return [found for found in map(words, gold) if found] or [[]]
