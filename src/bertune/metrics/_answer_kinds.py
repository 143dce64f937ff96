"""What an answer is beside the acceptable ones."""

from bertune.metrics._chinese_answers import CHINESE
from bertune.metrics.answer_f1 import AnswerF1
from bertune.metrics.cmrc_f1 import CmrcF1

KINDS = ("exact", "partly", "elsewhere", "invented", "withheld")


def kind_of(gold: tuple[str, ...], guess: str) -> str:
    """One of `KINDS`; `gold` is empty where there is no answer, `guess` where none was given.

    invented: an answer where there is none; withheld: none where there is one; partly: words are shared, or a Chinese
    character where a gold answer has any: Chinese text has no words that SQuAD's scorer could tell apart.
    """
    if not gold or not guess:
        return "exact" if not gold and not guess else "invented" if guess else "withheld"
    metric = CmrcF1() if any(CHINESE.search(answer) for answer in gold) else AnswerF1()
    reached = metric.of_answer(gold, guess)
    return "exact" if guess in gold or reached == 1 else "partly" if reached > 0 else "elsewhere"
