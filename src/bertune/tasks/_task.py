"""What every task is: how rows are read and encoded, how answers are read, what they are judged by."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bertune.base.types import Answers, Examples, Finding, Floats, Guesses, Ints, Judged, Level, Roles, Table, Tuned
from bertune.data.columns import text_values
from bertune.data.store import TokenStore
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.data.truncation import choose_length

Asked = Mapping[str, str | None]
"""The columns that somebody named: text, text_pair, label, group; None where nobody did."""

PLAIN = Tuned()


@dataclass(frozen=True)
class Tuning:
    """What a task may tune on validation rows: the metric that weights are selected by, the unit of the answers, and
    what the recipe allows."""

    metric: Callable[[Judged], float]
    unit: Tuned = PLAIN
    calibration: bool = True
    threshold: bool = False


class Task:
    """A task; the base class holds what is the same for most.

    `example` is a small file of the format of `file` with the `columns`, to start from and to be tested by; `found`
    tells whether such a file is recognised as the task without being named. A `modest` task claims columns only where
    no other does.
    `kind` says what `Judged` holds, `head` how a network answers, `level` what has a target: each row, text or token.
    `metrics` are given with every score and the first is selected by; `watched` are told at every check, the first
    stands for the loss. `cleans` tells whether texts may be cleaned before they are read: where places in a text count
    they may not; `edits` whether a few words of a text may change and its gold still holds; `guessed` whether sure
    answers may be learnt as gold; `cuts` whether what is longer than the limit is lost. `problem` is what the saved
    configuration calls the problem, for other programs. `special_tokens` are tokens that tokenizer and model get for
    the task. `alone` tells whether a model of two texts a row answers single ones too, `whole` whether the answer to a
    row depends on those beside it, so that all are answered together, `relating` whether answers say how well the two
    texts of a row belong together, `decides` whether answers are decisions, with borders between them (`room`).
    """

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    example: ClassVar[str]
    file: ClassVar[str] = "data.csv"
    found: ClassVar[bool] = True
    modest: ClassVar[bool] = False
    kind: ClassVar[str]
    head: ClassVar[str] = "sequence_classification"
    level: ClassVar[Level] = "row"
    problem: ClassVar[str | None] = None
    loss_kind: ClassVar[str]
    default_loss: ClassVar[str]
    metrics: ClassVar[tuple[str, ...]]
    watched: ClassVar[tuple[str, ...]]
    baselines: ClassVar[tuple[str, ...]] = ()
    cleans: ClassVar[bool] = True
    edits: ClassVar[bool] = True
    guessed: ClassVar[bool] = False
    cuts: ClassVar[bool] = True
    special_tokens: ClassVar[tuple[str, ...]] = ()
    alone: ClassVar[bool] = False
    whole: ClassVar[bool] = False
    relating: ClassVar[bool] = False
    decides: ClassVar[bool] = False

    @property
    def answering(self) -> Mapping[str, Any]:
        """Settings of the head that are the task's to choose."""
        return {}

    @classmethod
    def claims(cls, table: Table, asked: Asked, need_label: bool = True) -> Roles | None:
        """The columns, where those of a table (or those asked for) can mean this task alone; else None.

        For tasks with columns of their own; all others are recognised by text and label.
        """
        return None

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Whether the task, when it is named, can read these columns."""
        return True

    @classmethod
    def recognise(cls, table: Table, roles: Roles) -> bool:
        """Whether rows with these columns of texts and labels are this task, when none is named."""
        return False

    def texts(self, table: Table, roles: Roles) -> Iterator[str | None]:
        """The texts of the rows, as they are; None where missing. Raises DataError naming the column."""
        return text_values(table, roles.text)

    def pairs(self, table: Table, roles: Roles) -> Iterator[str | None] | None:
        """The second texts of the rows; None as a whole where the task reads single texts."""
        return None if roles.text_pair is None else text_values(table, roles.text_pair)

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """What is to be found in each row; None where missing. Raises DataError naming file and row."""
        raise NotImplementedError

    def more(self, table: Table, roles: Roles) -> Mapping[str, Sequence[Any]]:
        """What else is read of each row. Raises DataError naming file and row."""
        return {}

    def findings(self, table: Table, roles: Roles) -> list[Finding]:
        """What is noticed in rows of this task alone, beside what every check finds."""
        return []

    def decided(self, examples: Examples) -> dict[str, Any]:
        """Settings of its own that the task leaves to the rows, as they are to be."""
        return {}

    def completed(self, examples: Examples, learning: bool) -> Examples:
        """The rows of a split with what the task adds to each from the others of these rows, and from them alone.

        `learning` tells that a model learns from them; else it is judged by them. Raises DataError.
        """
        return examples

    def refused(self, examples: Examples, row: int) -> str | None:
        """Why a row that has its texts cannot be answered; None where it can."""
        return None

    def strata(self, gold: Sequence[Any]) -> list[str]:
        """The kind of each row with gold: every kind gets its share of every split."""
        return [""] * len(gold)

    def classes(self, gold: Sequence[Any]) -> tuple[str, ...]:
        """What the model tells apart, from the training rows alone; () where it gives numbers or places.

        Raises DataError where there is nothing to tell apart.
        """
        return ()

    def unit(self, examples: Examples) -> Tuned:
        """The unit in which the model learns numbers, from the training rows alone: scale and shift of its answers."""
        return PLAIN

    def known(self, gold: Sequence[Any], classes: Sequence[str]) -> NDArray[np.bool_]:
        """Which rows have gold that a model of these classes can be judged by."""
        return np.array([value is not None for value in gold], dtype=bool)

    def targets(self, examples: Examples, classes: Sequence[str], unit: Tuned = PLAIN) -> NDArray[Any]:
        """What the model learns of each row, in its unit: one entry a row; a place holder where texts or tokens have
        targets."""
        return np.zeros(len(examples), np.int64)

    def lengths(self, examples: Examples, tokenizer: TextTokenizer) -> tuple[Ints, Ints]:
        """Tokens of each row before any cut (of several texts the longest), and how many of them are unknown."""
        return tokenizer.lengths(examples.texts, examples.pairs)

    def length(self, lengths: Ints, limit: int) -> int:
        """The tokens that a text gets, from the lengths of the training rows and what the model can read."""
        return choose_length(lengths, limit)

    def lost(self, examples: Examples, lengths: Ints, tokenizer: TextTokenizer, max_length: int) -> Ints:
        """How many tokens of each row are not read; `lengths` are those that `lengths` gives."""
        return np.maximum(lengths - max_length, 0) if self.cuts else np.zeros(len(lengths), np.int64)

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """The token ids of the rows, one text a row; of pairs, both texts as two segments."""
        yield from tokenizer.encode(examples.texts, examples.pairs, max_length)

    def tune(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuning: Tuning
    ) -> Tuned:
        """How answers are to be read, found on validation rows alone. `answers` are in the unit of the task already;
        a scale found here is multiplied to that of the unit."""
        return PLAIN

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """What answers say of each row; they are scaled already."""
        raise NotImplementedError

    def judged(self, examples: Examples, guesses: Guesses, classes: tuple[str, ...]) -> Judged:
        """Gold beside guess; every row has gold."""
        return Judged(self.targets(examples, classes), guesses.guess, guesses.probabilities, classes)

    def doubt(self, guesses: Guesses) -> Floats:
        """How much in doubt each answer is, from 0 to 1; all alike where the task cannot say."""
        return np.ones(len(guesses))

    def relevance(self, guesses: Guesses, classes: tuple[str, ...], right: str | None = None) -> Floats:
        """How well the two texts of each row belong together, the more the higher; of tasks that are `relating`.

        `right` names the class that says so, where there are classes. Raises DataError where it must be named.
        """
        raise NotImplementedError

    def room(self, examples: Examples, answers: Answers, tuned: Tuned) -> Floats:
        """By how much every number of each row may change before its decision does; of tasks that are `decides`."""
        raise NotImplementedError

    def confidence(self, guesses: Guesses) -> Floats:
        """The probability that each answer is right, where it is `guessed`: an answer is then gold as it is told."""
        raise NotImplementedError

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """Gold beside guess from columns of a predictions file, as plain values.

        `own` are the classes of the model that answered, `classes` those to judge in: all of its own, and perhaps more.
        """
        raise NotImplementedError

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """The gold of rows as if a model had answered so with certainty."""
        raise NotImplementedError

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """The fields of an answer as plain JSON values, `prediction` first."""
        raise NotImplementedError

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """The fields of an answer with their types in a Parquet file; `label` has that of `prediction`."""
        raise NotImplementedError

    def fields_of(self, guesses: Guesses, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """The fields of these answers, where they go by what was asked."""
        return self.fields(classes)

    def label(self, gold: Any) -> Any:
        """A gold value as `answer` would have it under `prediction`."""
        return gold

    def beside(self, examples: Examples, guesses: Guesses) -> dict[str, pa.Array]:
        """Further columns of the files of predictions, one entry a row: what readers need to understand an answer."""
        return {}

    def shown(self, value: Any) -> str:
        """A gold value or a prediction on one line, for people."""
        return str(value)
