"""F1 of Chinese answers by their longest common run."""

from bertune.metrics._answers import OfAnswers
from bertune.metrics._chinese_answers import longest_run, plain, segments


class CmrcF1(OfAnswers):
    """Mean F1 of the longest run of characters and words that an answer shares with a gold answer, in [0, 1].

    A Chinese character counts as much as a whole Latin word; case and punctuation do not count. An answer and a gold
    answer of punctuation alone share nothing: 0. Where there is no gold answer, which the official script does not
    know, only an empty answer is right. The script gives a percentage.
    Source: the official evaluation script of CMRC 2018 (Cui et al., 2019).
    """

    def of_answer(self, gold: tuple[str, ...], guess: str) -> float:
        """The F1 with the gold answer that shares the longest run."""
        if not gold:
            return float(not plain(guess))
        said = segments(guess)
        return max(_f1(segments(wanted), said) for wanted in gold)


def _f1(wanted: list[str], said: list[str]) -> float:
    run = longest_run(wanted, said)
    return 2.0 * run / (len(wanted) + len(said)) if run else 0.0
