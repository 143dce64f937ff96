"""Putting texts in order by how well they belong to a text, both read together."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Le
from pydantic import Field

from bertune.base.types import Answers, Examples, Floats, Guesses, Ints, Tuned
from bertune.data.store import TokenStore
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.tasks import _texts_of_rows
from bertune.tasks._candidates import candidates_of, in_order
from bertune.tasks._negatives import with_mined, with_some
from bertune.tasks._of_rankings import SHOWN, OfRankings
from bertune.tasks._rankings import objects


class Reranking(OfRankings):
    """Putting the texts that were found for a text in order: each is read together with it, and gets a number.

    Rows are those of retrieval. Learnt is which of a row's candidates is its second text; the others are its negatives
    and texts of other rows that have its words (found by BM25, never one that belongs to it in some row; where too few
    have them, any). Judged is the order of the candidates alone, the right text always among them: how good a search
    is, retrieval tells. Numbers are comparable among the texts for one and the same first text.
    """

    name: ClassVar[str] = "reranking"
    columns: ClassVar[tuple[str, ...]] = ("query", "passage", "negative")
    example: ClassVar[str] = """query,passage,negative
Who wrote Faust?,The drama is a work of Goethe.,Faust is shown in the theatre tonight.
How high is Mont Blanc?,"The mountain rises to 4,806 metres.",Mont Blanc is climbed in summer.
What do bees make?,Honey is gathered in the hive.,Many bees died in the cold.
When was the bridge built?,Its arches were finished in 1888.,The bridge is closed today.
Where do penguins live?,These birds are at home in the south.,Penguins cannot fly.
Why is the sky blue?,Short waves of light are scattered more.,The sky was grey in the morning.
How is cheese made?,Milk is curdled and left to ripen.,Cheese is sold on the market.
Who invented the telephone?,Bell filed his patent first.,The telephone rang all night.
"""
    head: ClassVar[str] = "pair_ranking"
    baselines: ClassVar[tuple[str, ...]] = ("bm25_of_candidates",)
    relating: ClassVar[bool] = True

    def __init__(
        self,
        *,
        hard_negatives: Annotated[
            int, Ge(0), Le(64), Field(description="wrong texts found by BM25 among the training rows, for each of them")
        ] = 4,
        candidates: Annotated[
            int, Ge(0), Le(100), Field(description="wrong texts found by BM25 for each row that is judged")
        ] = 20,
    ) -> None:
        self.hard_negatives, self.candidates = hard_negatives, candidates

    def completed(self, examples: Examples, learning: bool) -> Examples:
        """Rows with the wrong texts that stand beside their right one. Raises DataError where none are to be learnt."""
        if learning:
            return with_some(with_mined(examples, self.hard_negatives, fill=True))
        return with_mined(examples, self.candidates, fill=True)

    def lengths(self, examples: Examples, tokenizer: TextTokenizer) -> tuple[Ints, Ints]:
        """Tokens of each row with its longest candidate."""
        return _texts_of_rows.lengths_of(*_pairs(examples), tokenizer)

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """Each candidate as second segment after the first text; the right one comes first."""
        firsts, seconds, counts = _pairs(examples)
        yield from _texts_of_rows.encoded(tokenizer.encode(firsts, seconds, max_length), counts)

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """The candidates of each row in order, and the number of its own second text."""
        numbers, bounds = answers.values[:, 0], answers.starts
        found = [in_order(row, numbers[bounds[i] : bounds[i + 1]]) for i, row in enumerate(candidates_of(examples))]
        return Guesses(objects(found), None, {"relevance": numbers[bounds[:-1]].tolist()})

    def right(self, examples: Examples) -> list[tuple[str, ...]]:
        """The second text of each row alone: the others that belong to its first text are no candidates."""
        assert examples.pairs is not None
        return [(pair or "",) for pair in examples.pairs]

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """The right text of each row and nothing else."""
        return Guesses(objects(self.right(examples)), None, {"relevance": [1.0] * len(examples)})

    def relevance(self, guesses: Guesses, classes: tuple[str, ...], right: str | None = None) -> Floats:
        """The numbers of the rows' second texts."""
        return np.array(guesses.told["relevance"], np.float64)

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: how well the second text belongs to the first; found: the best 10 candidates where there are."""
        found = list(guesses.guess[row][:SHOWN])
        return {"prediction": float(guesses.told["relevance"][row]), "found": found if len(found) > 1 else []}


def _pairs(examples: Examples) -> tuple[list[str], list[str], list[int]]:
    """The first and second texts of all candidates, row by row, and how many candidates each row has."""
    rows = candidates_of(examples)
    firsts = [text or "" for text, row in zip(examples.texts, rows, strict=True) for _ in row]
    return firsts, [text for row in rows for text in row], [len(row) for row in rows]
