"""Exact match of Chinese answers."""

from bertune.metrics._answers import OfAnswers
from bertune.metrics._chinese_answers import plain


class CmrcExactMatch(OfAnswers):
    """Share of rows whose answer equals a gold answer but for case and punctuation, in [0, 1].

    Where there is no gold answer, which the official script does not know, only an empty answer is right. The script
    gives a percentage.
    Source: the official evaluation script of CMRC 2018 (Cui et al., 2019).
    """

    def of_answer(self, gold: tuple[str, ...], guess: str) -> float:
        """1 where the guess reads as a gold answer, else 0."""
        return float(plain(guess) in map(plain, gold or ("",)))
