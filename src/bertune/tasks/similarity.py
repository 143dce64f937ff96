"""How alike two texts are, by a vector for each."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from bertune.base.types import Answers, Examples, Floats, Guesses, Ints, Roles, Table, Tuned
from bertune.data.columns import label_texts
from bertune.data.store import TokenStore
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.tasks import _vectors
from bertune.tasks._labels import number_at
from bertune.tasks._task import PLAIN
from bertune.tasks._values import OfValues, numbers


class Similarity(OfValues):
    """How alike two texts are: each becomes a vector of its own, and the cosine of the two is the answer.

    Pairs with scores are taken for regression unless the task is named: that reads both texts together and is more
    exact, while vectors can be stored, searched and compared by the million. The lowest score of the training rows is
    learnt as the cosine 0, the highest as 1; answers are in the scale of the scores, and below it where the cosine is
    below 0. A text alone is answered with its vector.
    """

    name: ClassVar[str] = "similarity"
    columns: ClassVar[tuple[str, ...]] = ("sentence1", "sentence2", "score")
    example: ClassVar[str] = """sentence1,sentence2,score
A man plays the guitar.,Someone is playing an instrument.,3.8
A man plays the guitar.,The stock market fell today.,0.2
Two dogs run on the beach.,Two dogs are running along the shore.,4.9
Two dogs run on the beach.,A cat sleeps on the sofa.,0.9
The train to Berlin is late.,The Berlin train is delayed.,5
The train to Berlin is late.,He reads a book about trains.,1.1
She cooks soup for dinner.,A woman is making soup.,4.2
She cooks soup for dinner.,The bridge was closed for repairs.,0
"""
    found: ClassVar[bool] = False
    head: ClassVar[str] = "sentence_embedding"
    loss_kind: ClassVar[str] = "value"
    default_loss: ClassVar[str] = "mean_squared"
    metrics: ClassVar[tuple[str, ...]] = ("spearman", "pearson", "rmse", "mean_absolute_error")
    watched: ClassVar[tuple[str, ...]] = ("rmse", "spearman", "pearson")
    baselines: ClassVar[tuple[str, ...]] = ("mean", "tfidf_ridge")
    alone: ClassVar[bool] = True

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Whether there are two texts a row."""
        return roles.text_pair is not None

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The score of each row; None where missing. Raises DataError naming file and row."""
        assert roles.label is not None
        labels = label_texts(table, roles.label)
        return [None if x is None else number_at(table, roles.label, i, x) for i, x in enumerate(labels)]

    def unit(self, examples: Examples) -> Tuned:
        """The scores of the training rows that are the cosines 0 and 1, in `more`."""
        scores = numbers(examples)
        low, high = float(np.nanmin(scores)), float(np.nanmax(scores))
        return Tuned(more={"low": low, "high": high if high > low else low + 1.0})

    def targets(self, examples: Examples, classes: Sequence[str], unit: Tuned = PLAIN) -> Floats:
        """The cosine to be learnt of each row, in its unit; NaN where missing."""
        low, high = _ends(unit)
        return (numbers(examples) - low) / (high - low)

    def lengths(self, examples: Examples, tokenizer: TextTokenizer) -> tuple[Ints, Ints]:
        """Tokens of the longer text of each row, and unknown ones among them."""
        return _vectors.lengths_of(examples, tokenizer)

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """Both texts of a row, each on its own."""
        return _vectors.encoded(examples, tokenizer, max_length)

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """The similarity of each row in the scale of the scores; of single texts their vectors."""
        if examples.pairs is None:
            return _vectors.alone(answers)
        low, high = _ends(tuned)
        return Guesses(_vectors.cosines(answers) * (high - low) + low)

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: the similarity, or the vector of a single text."""
        if _vectors.are_vectors(guesses):
            return _vectors.vector(guesses, row)
        return {"prediction": float(guesses.guess[row])}

    def fields_of(self, guesses: Guesses, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """One number, or a list of them where texts stand alone."""
        return _vectors.VECTOR if _vectors.are_vectors(guesses) else self.fields(classes)

    def shown(self, value: Any) -> str:
        """A number with four digits at most."""
        return _vectors.shown_vector(value) if isinstance(value, list) else f"{value:.4g}"


def _ends(unit: Tuned) -> tuple[float, float]:
    """The scores that are the cosines 0 and 1."""
    return float(unit.more.get("low", 0.0)), float(unit.more.get("high", 1.0))
