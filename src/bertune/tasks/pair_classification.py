"""Classification of pairs of texts."""

from typing import ClassVar

from bertune.tasks._classification import Classification


class PairClassification(Classification):
    """One class for each pair of texts, read as two segments: entailment, paraphrase, question and answer."""

    name: ClassVar[str] = "pair_classification"
    columns: ClassVar[tuple[str, ...]] = ("text", "text_pair", "label")
    example: ClassVar[str] = (
        "text,text_pair,label\nA man sleeps.,Somebody is asleep.,entailment\nA man sleeps.,He runs.,contradiction\n"
    )
    pairs: ClassVar[bool] = True
