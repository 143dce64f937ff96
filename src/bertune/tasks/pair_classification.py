"""Classification of pairs of texts."""

from typing import ClassVar

import numpy as np

from bertune.base.errors import DataError
from bertune.base.types import Floats, Guesses, Roles, Table
from bertune.tasks._classification import Classification
from bertune.tasks._labels import is_scale, is_several
from bertune.tasks._long_texts import OfLongTexts

YES = ("1", "yes", "true", "relevant", "positive", "entailment", "duplicate", "paraphrase", "match", "是", "相关")


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
    relating: ClassVar[bool] = True

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Whether there are two texts a row."""
        return roles.text_pair is not None

    @classmethod
    def recognise(cls, table: Table, roles: Roles) -> bool:
        """Whether there are two texts a row with a class."""
        return cls.fits(table, roles) and not (is_scale(table, roles.label) or is_several(table, roles.label))

    def relevance(self, guesses: Guesses, classes: tuple[str, ...], right: str | None = None) -> Floats:
        """The probability of the class named, or of the only one that says yes in so many words."""
        named = [right] if right is not None else [name for name in classes if name.strip().casefold() in YES]
        if len(named) != 1 or named[0] not in classes:
            raise DataError(
                "which class says that two texts belong together?", expected="one of " + ", ".join(classes),
                found=right, next_move=f"--right {classes[-1]}, or another class",
            )  # fmt: skip
        assert guesses.probabilities is not None
        return np.asarray(guesses.probabilities[:, classes.index(named[0])])
