"""What an answer is beside the acceptable ones."""

from bertune.metrics.answer_f1 import AnswerF1

KINDS = ("exact", "partly", "elsewhere", "invented", "withheld")


def kind_of(gold: tuple[str, ...], guess: str) -> str:
    """One of `KINDS`; `gold` is empty where there is no answer, `guess` where none was given.

    invented: an answer where there is none; withheld: none where there is one; partly: words are shared.
    """
    if not gold or not guess:
        return "exact" if not gold and not guess else "invented" if guess else "withheld"
    reached = AnswerF1().of_answer(gold, guess)
    return "exact" if guess in gold or reached == 1 else "partly" if reached > 0 else "elsewhere"
