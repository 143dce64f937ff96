"""Classification of pairs of texts."""

from typing import ClassVar

from bertune.base.types import Roles, Table
from bertune.tasks._classification import Classification
from bertune.tasks._labels import is_scale, is_several
from bertune.tasks._long_texts import OfLongTexts


class PairClassification(OfLongTexts, Classification):
    """One class for each pair of texts, read as two segments: entailment, paraphrase, question and answer."""

    name: ClassVar[str] = "pair_classification"
    guessed: ClassVar[bool] = True
    columns: ClassVar[tuple[str, ...]] = ("text", "text_pair", "label")
    example: ClassVar[str] = """text,text_pair,label
A man sleeps.,Somebody is asleep.,entailment
A man sleeps.,He runs fast.,contradiction
Two girls sing a song.,Girls make music.,entailment
Two girls sing a song.,Nobody makes a sound.,contradiction
The dog eats its food.,An animal is eating.,entailment
The dog eats its food.,The bowl was never touched.,contradiction
A boat lies on the beach.,There is a boat.,entailment
A boat lies on the beach.,The boat is far out at sea.,contradiction
"""

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Whether there are two texts a row."""
        return roles.text_pair is not None

    @classmethod
    def recognise(cls, table: Table, roles: Roles) -> bool:
        """Whether there are two texts a row with a class."""
        return cls.fits(table, roles) and not (is_scale(table, roles.label) or is_several(table, roles.label))
