"""The baseline of re-ranking that counts words."""

from collections.abc import Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray

from bertune.base.types import Examples, Guesses
from bertune.data.bm25 import Bm25Texts
from bertune.evaluate.baselines._baseline import Baseline
from bertune.tasks._candidates import candidates_of, in_order
from bertune.tasks._rankings import objects


class Bm25OfCandidates(Baseline):
    """BM25 over the candidates of each row; how rare a word is, all candidates of all rows say."""

    kinds: ClassVar[tuple[str, ...]] = ("ranking",)

    def learn(self, examples: Examples, targets: NDArray[Any], classes: Sequence[str], seed: int) -> None:
        """Nothing: the words are counted in the texts that are put in order."""

    def guesses(self, examples: Examples) -> Guesses:
        """The candidates of each row, the best first; of equals the right one last, so that no luck is in it."""
        rows = candidates_of(examples)
        documents = list(dict.fromkeys(text for row in rows for text in row))
        place = {text: i for i, text in enumerate(documents)}
        found: list[tuple[str, ...]] = []
        texts = Bm25Texts(documents)
        for scores in texts.scores([text or "" for text in examples.texts]):
            for own in scores:
                row = rows[len(found)]
                found.append(in_order(row, own[[place[text] for text in row]]))
        return Guesses(objects(found))
