"""The right one of several choices."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from scipy.special import softmax

from bertune.base.errors import DataError
from bertune.base.types import Answers, Examples, Floats, Guesses, Ints, Judged, Roles, Table, Tuned
from bertune.data.columns import text_values
from bertune.data.store import TokenStore
from bertune.data.tokenizer import Encoded, TextTokenizer
from bertune.tasks import _borders, _texts_of_rows
from bertune.tasks._choices import choices_of, find_columns, gold_of
from bertune.tasks._classification import Classification
from bertune.tasks._task import PLAIN, Asked, Tuning


class MultipleChoice(Classification):
    """The right one of any number of choices, given a question, a context, or both.

    Choices come as a list, or as one column each (choice1, ending0, A). The label is the number of the right one (from
    0, or from 1 where no row has 0), its letter, or its text. A context is read before the question, a choice after it.
    """

    name: ClassVar[str] = "multiple_choice"
    columns: ClassVar[tuple[str, ...]] = ("question", "choices", "label")
    file: ClassVar[str] = "data.jsonl"
    example: ClassVar[str] = """{"question": "What do bees make?", "choices": ["honey", "milk", "stone"], "label": 0}
{"question": "What falls from clouds?", "choices": ["sand", "rain"], "label": 1}
{"question": "Where do fish live?", "choices": ["in trees", "in water", "in books", "in fire"], "label": 1}
{"question": "What is cold?", "choices": ["fire", "the sun", "ice"], "label": 2}
{"question": "Which animal can fly?", "choices": ["a cow", "a bird"], "label": 1}
{"question": "What is read?", "choices": ["a book", "a spoon", "a shoe"], "label": 0}
{"question": "What has four wheels?", "choices": ["a boat", "a hat", "a car"], "label": 2}
{"question": "What do you drink?", "choices": ["water", "wood"], "label": 0}
"""
    head: ClassVar[str] = "multiple_choice"
    loss_kind: ClassVar[str] = "position"
    default_loss: ClassVar[str] = "cross_entropy"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "log_loss", "calibration_error")
    watched: ClassVar[tuple[str, ...]] = ("log_loss", "accuracy")
    baselines: ClassVar[tuple[str, ...]] = ("majority", "choice_overlap")

    @classmethod
    def claims(cls, table: Table, asked: Asked, need_label: bool = True) -> Roles | None:
        """A column of lists called choices, or columns of choices that are numbered or lettered."""
        return find_columns(table, asked, need_label)

    @classmethod
    def fits(cls, table: Table, roles: Roles) -> bool:
        """Never by texts and labels alone: there must be choices."""
        return False

    @classmethod
    def recognise(cls, table: Table, roles: Roles) -> bool:
        """Never by texts and labels alone."""
        return False

    def texts(self, table: Table, roles: Roles) -> Iterator[str | None]:
        """The context, or the question where there is none; a context in pieces is joined by line breaks."""
        column = table.columns.column(roles.text)
        if not pa.types.is_nested(column.type):
            return text_values(table, roles.text)
        return (
            None if not v or not "".join(map(str, v)).strip() else "\n".join(map(str, v)) for v in column.to_pylist()
        )

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The position of the right choice, from 0; None where missing. Raises DataError naming file and row."""
        return gold_of(table, roles, choices_of(table, roles))

    def more(self, table: Table, roles: Roles) -> Mapping[str, Sequence[Any]]:
        """The choices of each row. Raises DataError naming file and row."""
        return {"choices": choices_of(table, roles)}

    def strata(self, gold: Sequence[Any]) -> list[str]:
        """The positions."""
        return [str(position) for position in gold]

    def classes(self, gold: Sequence[Any]) -> tuple[str, ...]:
        """The positions that choices can have, as people count them: 1, 2, … Raises DataError where there are none."""
        known = [position for position in gold if position is not None]
        if not known:
            raise DataError("there is nothing to learn.", expected="rows with the right choice", found="no labels")
        return tuple(str(k + 1) for k in range(max(2, max(known) + 1)))

    def known(self, gold: Sequence[Any], classes: Sequence[str]) -> Any:
        """Which rows say the right choice."""
        return np.array([position is not None for position in gold], dtype=bool)

    def targets(self, examples: Examples, classes: Sequence[str], unit: Tuned = PLAIN) -> Ints:
        """The position of the right choice; -1 where missing."""
        assert examples.gold is not None
        return np.array([-1 if position is None else position for position in examples.gold], dtype=np.int64)

    def lengths(self, examples: Examples, tokenizer: TextTokenizer) -> tuple[Ints, Ints]:
        """Tokens of each row with its longest choice."""
        return _texts_of_rows.lengths_of(*_pairs(examples), tokenizer)

    def encode(
        self, examples: Examples, classes: Sequence[str], tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """A text for each choice: the context (or question) and, as second segment, the question with the choice."""
        firsts, seconds, counts = _pairs(examples)
        yield from _texts_of_rows.encoded(tokenizer.encode(firsts, seconds, max_length), counts)

    def tune(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuning: Tuning
    ) -> Tuned:
        """The temperature that makes the right choices likeliest."""
        if not tuning.calibration:
            return PLAIN
        return super().tune(examples, store, Answers(_table(answers, -1e9), answers.starts), classes, tuning)

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """The likeliest choice of each row; choices that it does not have get the probability 0."""
        chances = softmax(_table(answers, -np.inf), axis=1)
        wide = np.zeros((len(chances), max(len(classes), chances.shape[1])))
        wide[:, : chances.shape[1]] = chances
        return Guesses(wide.argmax(axis=1), wide, {"choices": examples.more["choices"]})

    def room(self, examples: Examples, answers: Answers, tuned: Tuned) -> Floats:
        """The way to the next best choice."""
        return _borders.of_classes(_table(answers, -np.inf))

    def judged(self, examples: Examples, guesses: Guesses, classes: tuple[str, ...]) -> Any:
        """Gold beside guess; rows may have more choices than the training rows had."""
        assert guesses.probabilities is not None
        gold = self.targets(examples, classes)
        choices = max(map(len, examples.more["choices"]), default=0)  # the same for whoever answers these rows
        most = max(guesses.probabilities.shape[1], len(classes), choices, int(gold.max(initial=0)) + 1)
        chances = np.pad(guesses.probabilities, ((0, 0), (0, most - guesses.probabilities.shape[1])))
        found = super().judged(examples, guesses, classes)
        return type(found)(gold, guesses.guess, chances, tuple(str(k + 1) for k in range(most)))

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """Gold beside guess as positions; choices that a row does not have get the probability 0."""
        gold, guess = (np.array(columns[name], dtype=np.int64) for name in ("label", "prediction"))
        most = max([len(classes), *map(len, columns["probabilities"]), int(gold.max(initial=0)) + 1])
        chances = np.array([[*row, *[0.0] * (most - len(row))] for row in columns["probabilities"]], dtype=np.float64)
        return Judged(gold, guess, chances.reshape(-1, most), tuple(str(k + 1) for k in range(most)))

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """The right choices with probability 1."""
        gold = self.targets(examples, classes)
        most = max(len(classes), int(gold.max(initial=0)) + 1)
        return Guesses(gold, np.eye(most)[gold], {"choices": examples.more["choices"]})

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: the position from 0, its text, its probability, and those of all choices in their order."""
        assert guesses.probabilities is not None
        guess, choices = int(guesses.guess[row]), guesses.told["choices"][row]
        chances = guesses.probabilities[row].tolist()[: len(choices)]
        return {"prediction": guess, "choice": choices[guess] if guess < len(choices) else None,
                "probability": float(guesses.probabilities[row][guess]), "probabilities": chances}  # fmt: skip

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """`probabilities` are in the order of the choices."""
        return {"prediction": pa.int64(), "choice": pa.string(), "probability": pa.float64(),
                "probabilities": pa.list_(pa.float64())}  # fmt: skip

    def label(self, gold: Any) -> Any:
        """The position from 0."""
        return gold

    def beside(self, examples: Examples, guesses: Guesses) -> dict[str, pa.Array]:
        """choices: their texts."""
        return {"choices": pa.array([list(row) for row in examples.more["choices"]], pa.list_(pa.string()))}

    def shown(self, value: Any) -> str:
        """The position as people count it."""
        return str(int(value) + 1)


def _pairs(examples: Examples) -> tuple[list[str], list[str], list[int]]:
    """The first and second texts of all choices, row by row, and how many choices each row has."""
    questions = examples.pairs if examples.pairs is not None else [None] * len(examples)
    firsts: list[str] = []
    seconds: list[str] = []
    counts = []
    for text, question, choices in zip(examples.texts, questions, examples.more["choices"], strict=True):
        counts.append(len(choices))
        firsts += [text or ""] * len(choices)
        seconds += [choice if question is None else f"{question} {choice}" for choice in choices]
    return firsts, seconds, counts


def _table(answers: Answers, absent: float) -> Floats:
    """The numbers of the choices, [rows, most choices]."""
    counts = np.diff(answers.starts)
    found = np.full((len(counts), int(counts.max(initial=2))), absent)
    found[np.arange(found.shape[1]) < counts[:, None]] = answers.values[:, 0]
    return found
