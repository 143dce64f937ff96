"""F1 of answers by their words."""

from collections import Counter

from bertune.metrics._answers import OfAnswers, accepted, words


class AnswerF1(OfAnswers):
    """Mean F1 of the words that an answer shares with the nearest gold answer, in [0, 1].

    Case, punctuation, articles and the order of the words do not count. Where there is no answer, only an answer
    without a word is right. A gold answer of articles and punctuation alone ("A") is passed over, as SQuAD 2.0 has it;
    SQuAD 1.1 compares it too. With all other gold answers this equals f1 of both, which are percentages.
    Source: the official evaluation scripts of SQuAD 1.1 and 2.0 (Rajpurkar et al., 2016 and 2018).
    """

    def of_answer(self, gold: tuple[str, ...], guess: str) -> float:
        """The F1 with the gold answer that shares most."""
        said = words(guess)
        return max(_f1(wanted, said) for wanted in accepted(gold))


def _f1(wanted: list[str], said: list[str]) -> float:
    if not wanted or not said:
        return float(wanted == said)
    shared = (Counter(wanted) & Counter(said)).total()
    return 2.0 * shared / (len(wanted) + len(said))
