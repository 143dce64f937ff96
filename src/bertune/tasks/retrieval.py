"""Finding the texts that belong to a text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
from annotated_types import Ge, Gt, Le
from pydantic import Field

from bertune.base.types import Answers, Examples, Guesses, Ints, Tuned
from bertune.data.store import TokenStore
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.tasks import _vectors
from bertune.tasks._negatives import with_mined, with_some
from bertune.tasks._of_rankings import SHOWN, OfRankings
from bertune.tasks._rankings import objects, ranked, right_texts, who_belongs

PORTION = 256  # texts compared with all others at once


class Retrieval(OfRankings):
    """Finding what belongs to a text among many: the passage of a question, the same question asked otherwise.

    Rows are pairs that belong together, perhaps with texts that do not (a column `negative`, or `negatives` with
    lists). Each text becomes a vector; in training the second texts of the other rows of the batch are the
    wrong ones, but those that belong to the text somewhere in the training rows; `hard_negatives` adds to each training
    row wrong texts that have its words. Judged is how far in front the right texts stand among all second texts of a
    split. The answer to a pair is the cosine of its vectors, to a single text its vector.
    """

    name: ClassVar[str] = "retrieval"
    columns: ClassVar[tuple[str, ...]] = ("query", "passage")
    example: ClassVar[str] = """query,passage
Who wrote Faust?,The drama is a work of Goethe.
How high is Mont Blanc?,"The mountain rises to 4,806 metres."
What do bees make?,Honey is gathered in the hive.
When was the bridge built?,Its arches were finished in 1888.
Where do penguins live?,These birds are at home in the south.
Why is the sky blue?,Short waves of light are scattered more.
How is cheese made?,Milk is curdled and left to ripen.
Who invented the telephone?,Bell filed his patent first.
"""
    head: ClassVar[str] = "sentence_ranking"
    level: ClassVar[Any] = "text"
    baselines: ClassVar[tuple[str, ...]] = ("bm25",)
    edits: ClassVar[bool] = False  # the second text of a row is its gold
    alone: ClassVar[bool] = True
    whole: ClassVar[bool] = True

    def __init__(
        self,
        *,
        scale: Annotated[
            float, Gt(0), Le(1000), Field(description="of cosines in the loss; the higher, the more the nearest count")
        ] = 20.0,
        hard_negatives: Annotated[
            int, Ge(0), Le(64), Field(description="wrong texts found by BM25 among the training rows, for each of them")
        ] = 0,
    ) -> None:
        self.scale, self.hard_negatives = scale, hard_negatives

    @property
    def answering(self) -> Mapping[str, Any]:
        """The scale of the cosines."""
        return {"scale": self.scale}

    def completed(self, examples: Examples, learning: bool) -> Examples:
        """Training rows with their hard negatives. Raises DataError where none are found."""
        return with_some(with_mined(examples, self.hard_negatives)) if learning and self.hard_negatives else examples

    def lengths(self, examples: Examples, tokenizer: TextTokenizer) -> tuple[Ints, Ints]:
        """Tokens of the longest text of each row, and unknown ones among them."""
        return _vectors.lengths_of(examples, tokenizer)

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """All texts of a row, each on its own; targets[texts, numbers] say which belong together."""
        targets = None if examples.pairs is None else who_belongs(examples)
        return _vectors.encoded(examples, tokenizer, max_length, targets)

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """What is found for each row where its gold is known, else nothing; the cosine of its pair; of single texts
        their vectors."""
        if examples.pairs is None:
            return _vectors.alone(answers)
        found: list[tuple[str, ...]] = [()] * len(examples)
        if examples.gold is not None:
            found = list(_found(examples, answers))
        return Guesses(objects(found), None, {"similarity": _vectors.cosines(answers).tolist()})

    def right(self, examples: Examples) -> list[tuple[str, ...]]:
        """All second texts that belong to a row's first text, in whatever row."""
        right = right_texts(examples)
        return [right[text or ""] for text in examples.texts]

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """What belongs to each row and nothing else, all alike."""
        return Guesses(objects(self.right(examples)), None, {"similarity": [1.0] * len(examples)})

    def beside(self, examples: Examples, guesses: Guesses) -> dict[str, pa.Array]:
        """right and ranked, as digests of the texts; nothing beside vectors."""
        return {} if _vectors.are_vectors(guesses) else super().beside(examples, guesses)

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: the cosine of a pair, or the vector of a single text; found: the best 10 texts, where judged."""
        if _vectors.are_vectors(guesses):
            return _vectors.vector(guesses, row)
        return {"prediction": float(guesses.told["similarity"][row]), "found": list(guesses.guess[row][:SHOWN])}

    def fields_of(self, guesses: Guesses, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """The same, or a list of numbers where texts stand alone."""
        return _vectors.VECTOR if _vectors.are_vectors(guesses) else self.fields(classes)

    def shown(self, value: Any) -> str:
        """The text that is to be found, the cosine, or that it is a vector."""
        return _vectors.shown_vector(value) if isinstance(value, list) else super().shown(value)


def _found(examples: Examples, answers: Answers) -> Iterator[tuple[str, ...]]:
    """The best second texts of all rows for each first text."""
    assert examples.pairs is not None
    first = answers.starts[:-1]
    place: dict[str, int] = {}
    for at, pair in zip((first + 1).tolist(), examples.pairs, strict=True):
        place.setdefault(pair or "", at)
    vectors = _vectors.unit_vectors(answers.values).astype(np.float32)
    documents, of_documents = list(place), vectors[list(place.values())].T
    for start in range(0, len(examples), PORTION):
        yield from ranked(vectors[first[start : start + PORTION]] @ of_documents, documents)
