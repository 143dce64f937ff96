"""The baseline of retrieval that counts words."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Le
from numpy.typing import NDArray

from bertune.base.types import Examples, Guesses
from bertune.data.bm25 import Bm25Texts
from bertune.evaluate.baselines._baseline import Baseline
from bertune.tasks._rankings import objects, ranked


class Bm25(Baseline):
    """BM25: words that both texts have count, rare ones more, repeated ones less and less, in long texts less.

    `k1` bends how much repetition counts, `b` says how far length is taken into account; words are lower-cased runs of
    letters and digits, of scripts without spaces single characters. Source: see `data/bm25.py`.
    """

    kinds: ClassVar[tuple[str, ...]] = ("ranking",)

    def __init__(self, *, k1: Annotated[float, Ge(0)] = 1.2, b: Annotated[float, Ge(0), Le(1)] = 0.75) -> None:
        self.k1, self.b = k1, b

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Nothing: the words are counted in the texts that are searched."""

    def guesses(self, examples: Examples) -> Guesses:
        """The best second texts of all rows for each first text."""
        assert examples.pairs is not None
        documents = list(dict.fromkeys(pair or "" for pair in examples.pairs))
        texts = Bm25Texts(documents, self.k1, self.b)
        found: list[tuple[str, ...]] = []
        for scores in texts.scores([text or "" for text in examples.texts]):
            found += ranked(scores, documents)
        return Guesses(objects(found))
