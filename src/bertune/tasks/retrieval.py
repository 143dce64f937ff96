"""Finding the texts that belong to a text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from bertune.base.types import Answers, Examples, Guesses, Ints, Judged, Roles, Table, Tuned
from bertune.data.columns import text_values
from bertune.data.store import TokenStore
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.tasks import _vectors
from bertune.tasks._rankings import digest_of, find_columns, negatives_of, objects, ranked, right_texts, who_belongs
from bertune.tasks._task import Asked, Task

SHOWN = 10  # found texts that an answer names
PORTION = 256  # texts compared with all others at once


class Retrieval(Task):
    """Finding what belongs to a text among many: the passage of a question, the same question asked otherwise.

    Rows are pairs that belong together, perhaps with texts that do not (a column `negative`, or `negatives` with
    lists). Each text becomes a vector; in training the second texts of the other rows that are read together are the
    wrong ones, but those that belong to the text somewhere in the training rows. Judged is how far in front the right
    texts stand among all second texts of a split. The answer to a pair is the cosine of its vectors, to a single text
    its vector.
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
    found: ClassVar[bool] = False
    kind: ClassVar[str] = "ranking"
    head: ClassVar[str] = "sentence_ranking"
    level: ClassVar[Any] = "text"
    loss_kind: ClassVar[str] = "position"
    default_loss: ClassVar[str] = "cross_entropy"
    metrics: ClassVar[tuple[str, ...]] = (
        "ndcg_at_10", "mean_reciprocal_rank", "recall_at_1", "recall_at_5", "recall_at_10",
    )  # fmt: skip
    watched: ClassVar[tuple[str, ...]] = ("ndcg_at_10", "mean_reciprocal_rank", "recall_at_1")
    baselines: ClassVar[tuple[str, ...]] = ("bm25",)
    edits: ClassVar[bool] = False  # the second text of a row is its gold
    alone: ClassVar[bool] = True
    whole: ClassVar[bool] = True

    @classmethod
    def claims(cls, table: Table, asked: Asked, need_label: bool = True) -> Roles | None:
        """Two columns of texts, whatever else there is; the second is what is to be found."""
        return find_columns(table, asked)

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Never by text and label."""
        return False

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The second text of each row; None where missing."""
        assert roles.text_pair is not None
        return list(text_values(table, roles.text_pair))

    def more(self, table: Table, roles: Roles) -> Mapping[str, Sequence[Any]]:
        """The texts that do not belong to a row, where there is a column of them."""
        column = roles.more.get(_vectors.MORE_TEXTS)
        return {} if column is None else {_vectors.MORE_TEXTS: negatives_of(table, column)}

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

    def judged(self, examples: Examples, guesses: Guesses, classes: tuple[str, ...]) -> Judged:
        """All second texts that belong to a row's first text, beside what was found."""
        right = right_texts(examples)
        return Judged(objects([frozenset(right[text or ""]) for text in examples.texts]), guesses.guess, None, classes)

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """What belongs to each row and nothing else, all alike."""
        right = right_texts(examples)
        found = objects([right[text or ""] for text in examples.texts])
        return Guesses(found, None, {"similarity": [1.0] * len(examples)})

    def beside(self, examples: Examples, guesses: Guesses) -> dict[str, pa.Array]:
        """right and ranked: what belongs to each row and what was found, the best first, as digests of the texts."""
        if _vectors.are_vectors(guesses):
            return {}
        right = right_texts(examples)
        numbers = pa.list_(pa.int64())
        told = {"right": [[digest_of(t) for t in right[text or ""]] for text in examples.texts],
                "ranked": [[digest_of(t) for t in found] for found in guesses.guess]}  # fmt: skip
        return {name: pa.array(rows, numbers) for name, rows in told.items()}

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """What belongs to each row beside what was found, as digests of the texts."""
        gold = objects([frozenset(row) for row in columns["right"]])
        return Judged(gold, objects([tuple(row) for row in columns["ranked"]]), None, ())

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: the cosine of a pair, or the vector of a single text; found: the best 10 texts, where judged."""
        if _vectors.are_vectors(guesses):
            return _vectors.vector(guesses, row)
        return {"prediction": float(guesses.told["similarity"][row]), "found": list(guesses.guess[row][:SHOWN])}

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """A number and a list of texts."""
        return {"prediction": pa.float64(), "found": pa.list_(pa.string())}

    def fields_of(self, guesses: Guesses, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """The same, or a list of numbers where texts stand alone."""
        return _vectors.VECTOR if _vectors.are_vectors(guesses) else self.fields(classes)

    def label(self, gold: Any) -> Any:
        """The cosine of texts that are one."""
        return 1.0

    def shown(self, value: Any) -> str:
        """The text that is to be found, or the cosine."""
        if isinstance(value, str):
            return value
        return _vectors.shown_vector(value) if isinstance(value, list) else f"{value:.4g}"


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
