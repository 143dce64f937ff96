"""What tasks that put texts in order have in common: columns, what they are judged by, how answers lie in files."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import pyarrow as pa

from bertune.base.types import Examples, Guesses, Judged, Roles, Table
from bertune.data.columns import text_values
from bertune.tasks._rankings import digest_of, find_columns, negatives_of, objects
from bertune.tasks._task import Asked, Task
from bertune.tasks._vectors import MORE_TEXTS

SHOWN = 10  # found texts that an answer names


class OfRankings(Task):
    """A task of pairs that belong together, perhaps with texts that do not (a column `negative` or `negatives`)."""

    found: ClassVar[bool] = False
    kind: ClassVar[str] = "ranking"
    loss_kind: ClassVar[str] = "position"
    default_loss: ClassVar[str] = "cross_entropy"
    metrics: ClassVar[tuple[str, ...]] = (
        "ndcg_at_10", "mean_reciprocal_rank", "recall_at_1", "recall_at_5", "recall_at_10",
    )  # fmt: skip
    watched: ClassVar[tuple[str, ...]] = ("ndcg_at_10", "mean_reciprocal_rank", "recall_at_1")

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
        column = roles.more.get(MORE_TEXTS)
        return {} if column is None else {MORE_TEXTS: negatives_of(table, column)}

    def right(self, examples: Examples) -> list[tuple[str, ...]]:
        """What is to be found for each row, the second text of the row among it."""
        raise NotImplementedError

    def judged(self, examples: Examples, guesses: Guesses, classes: tuple[str, ...]) -> Judged:
        """What is to be found for each row, beside what was found."""
        return Judged(objects([frozenset(row) for row in self.right(examples)]), guesses.guess, None, classes)

    def beside(self, examples: Examples, guesses: Guesses) -> dict[str, pa.Array]:
        """right and ranked: what belongs to each row and what was found, the best first, as digests of the texts."""
        told: dict[str, Iterable[tuple[str, ...]]] = {"right": self.right(examples), "ranked": guesses.guess}
        numbers = pa.list_(pa.int64())
        return {name: pa.array([[digest_of(text) for text in row] for row in rows], numbers)
                for name, rows in told.items()}  # fmt: skip

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """What belongs to each row beside what was found, as digests of the texts."""
        gold = objects([frozenset(row) for row in columns["right"]])
        return Judged(gold, objects([tuple(row) for row in columns["ranked"]]), None, ())

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """A number and a list of texts."""
        return {"prediction": pa.float64(), "found": pa.list_(pa.string())}

    def label(self, gold: Any) -> Any:
        """How well texts that are one belong together."""
        return 1.0

    def shown(self, value: Any) -> str:
        """The text that is to be found, or a number."""
        return value if isinstance(value, str) else f"{value:.4g}"
