"""Classification of single texts."""

from typing import ClassVar

from bertune.tasks._classification import Classification


class TextClassification(Classification):
    """One class for each text: sentiment, topic, intent, spam."""

    name: ClassVar[str] = "text_classification"
    columns: ClassVar[tuple[str, ...]] = ("text", "label")
    example: ClassVar[str] = "text,label\nWhere is my parcel?,delivery\nPlease refund my order.,returns\n"
    pairs: ClassVar[bool] = False
