"""Exact match of answers."""

from bertune.metrics._answers import OfAnswers, accepted, words


class ExactMatch(OfAnswers):
    """Share of rows whose answer equals a gold answer but for case, punctuation, articles and spaces, in [0, 1].

    Where there is no answer, only an answer without a word is right. A gold answer of articles and punctuation alone
    ("A") is passed over, as SQuAD 2.0 has it; SQuAD 1.1 compares it too. With all other gold answers this equals
    exact_match of SQuAD 1.1 and exact of SQuAD 2.0, which are percentages.
    Source: the official evaluation scripts of SQuAD 1.1 and 2.0 (Rajpurkar et al., 2016 and 2018).
    """

    def of_answer(self, gold: tuple[str, ...], guess: str) -> float:
        """1 where the guess has the words of a gold answer, else 0."""
        return float(words(guess) in accepted(gold))
