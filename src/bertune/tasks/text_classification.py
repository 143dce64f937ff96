"""Classification of single texts."""

from typing import ClassVar

from bertune.base.types import Roles, Table
from bertune.tasks._classification import Classification
from bertune.tasks._labels import is_scale, is_several
from bertune.tasks._long_texts import OfLongTexts


class TextClassification(OfLongTexts, Classification):
    """One class for each text: sentiment, topic, intent, spam."""

    name: ClassVar[str] = "text_classification"
    guessed: ClassVar[bool] = True
    columns: ClassVar[tuple[str, ...]] = ("text", "label")
    example: ClassVar[str] = """text,label
Where is my parcel?,delivery
Please refund my order.,returns
The courier never came.,delivery
I want to send these shoes back.,returns
Can it arrive before Friday?,delivery
How do I get my money back?,returns
The tracking page is empty.,delivery
"It is the wrong size, may I swap it?",returns
"""

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Whether there is one text a row."""
        return roles.text_pair is None

    @classmethod
    def recognise(cls, table: Table, roles: Roles) -> bool:
        """Whether there is one text a row with a class."""
        return cls.fits(table, roles) and not (is_scale(table, roles.label) or is_several(table, roles.label))
