"""The frozen types that pass between rooms. Tensors are torch's, told apart only by name here: no torch import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Severity = Literal["error", "warning", "note"]
Level = Literal["row", "text", "token"]
SPLITS = ("train", "valid", "test")


@dataclass(frozen=True)
class Place:
    """Where a row came from: file, row (from 1, header not counted), line (from 1) where it differs from the row."""

    file: str
    row: int
    line: int | None = None

    def __str__(self) -> str:
        at = f" (line {self.line:,})" if self.line is not None else ""
        return f"{self.file} row {self.row:,}{at}"


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in Arrow columns with the origin of each, so that any later error or finding can name it.

    `file`, `row` and `line` have one entry a row: index into `files`, row number from 1, line number from 1 (0 where
    the format has no lines). `given` is the split that the source itself named (index into SPLITS, -1 where none).
    `facts` tells how the source was read: format, encoding, delimiter.
    """

    columns: pa.Table
    files: tuple[str, ...]
    file: Ints
    row: Ints
    line: Ints
    given: Ints
    facts: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.columns.num_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """The column names."""
        return tuple(self.columns.column_names)

    def values(self, name: str) -> list[Any]:
        """All values of a column as Python objects; None where missing."""
        return self.columns.column(name).to_pylist()  # type: ignore[no-any-return]

    def value(self, name: str, index: int) -> Any:
        """One value of a column."""
        return self.columns.column(name)[index].as_py()

    def place(self, index: int) -> Place:
        """Where a row came from."""
        line = int(self.line[index])
        row = int(self.row[index])
        return Place(self.files[int(self.file[index])], row, line if line and line != row + 1 else None)

    def take(self, indices: Ints) -> "Table":
        """The rows at these positions, in this order."""
        return replace(
            self,
            columns=self.columns.take(pa.array(indices)),
            file=self.file[indices],
            row=self.row[indices],
            line=self.line[indices],
            given=self.given[indices],
        )

    def with_column(self, name: str, values: Any) -> "Table":
        """The table with one column replaced or added."""
        position = self.columns.schema.get_field_index(name)
        columns = (
            self.columns.append_column(name, values)
            if position < 0
            else self.columns.set_column(position, name, values)
        )
        return replace(self, columns=columns)


@dataclass(frozen=True)
class Roles:
    """Which column plays which part; `why` says how it was recognised, for the user to read.

    `more` names the further columns that a task reads, by what it calls them (choices, spans).
    """

    text: str
    text_pair: str | None = None
    label: str | None = None
    group: str | None = None
    why: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def columns(self) -> tuple[str, ...]:
        """The columns that are read, each once."""
        named = (self.text, self.text_pair, self.label, *self.more.values())
        return tuple(dict.fromkeys(name for name in named if name is not None))


@dataclass(frozen=True, eq=False)
class Examples:
    """Rows as a task reads them, one entry a row; what is missing is None.

    `gold` is what is to be found, as the task has it, and None as a whole where nothing says it. `more` holds what else
    the task reads: the words of a text, the choices of a question.
    """

    texts: Sequence[str | None]
    pairs: Sequence[str | None] | None = None
    gold: Sequence[Any] | None = None
    more: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, positions: Ints) -> "Examples":
        """The rows at these positions, in this order."""
        return Examples(
            _taken(self.texts, positions),
            None if self.pairs is None else _taken(self.pairs, positions),
            None if self.gold is None else _taken(self.gold, positions),
            {name: _taken(values, positions) for name, values in self.more.items()},
        )


def _taken(values: Sequence[Any], positions: Ints) -> Sequence[Any]:
    take = getattr(values, "take", None)  # texts at rest are taken without being read
    return take(positions) if take is not None else [values[i] for i in positions.tolist()]


@dataclass(frozen=True, eq=False)
class Splits:
    """Positions of the rows of each split in the table; disjoint. `how` says in one line how they came about."""

    train: Ints
    valid: Ints
    test: Ints
    how: str = ""

    def named(self) -> tuple[tuple[str, Ints], ...]:
        """(name, positions) of each split that has rows."""
        return tuple((n, getattr(self, n)) for n in SPLITS if len(getattr(self, n)))

    def of_rows(self, rows: int) -> list[str]:
        """The split name of each of `rows` rows; empty where a row is in none."""
        names = [""] * rows
        for name, positions in self.named():
            for position in positions.tolist():
                names[position] = name
        return names


@dataclass(frozen=True)
class Finding:
    """Something noticed in the data: what, how bad, which rows, and what to do about it."""

    code: str
    severity: Severity
    message: str
    fix: str
    rows: tuple[Place, ...] = ()
    count: int = 0

    def as_json(self) -> dict[str, Any]:
        """The finding as it stands in findings.json."""
        rows = [{"file": p.file, "row": p.row} | ({"line": p.line} if p.line is not None else {}) for p in self.rows]
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "fix": self.fix,
            "rows": rows,
            "count": self.count or len(rows),
        }


class Tokenizer(Protocol):
    """What the rooms above know of a tokenizer."""

    unknown_id: int | None

    def lengths(self, texts: Sequence[str | None], pairs: Sequence[str | None] | None) -> tuple[Ints, Ints]:
        """Tokens of each row before any cut, and how many of them are unknown tokens."""
        ...


@dataclass(frozen=True, eq=False)
class View:
    """What a check sees. Arrays have one entry a row of the table.

    `labels` are label texts (None where missing), `exact` and `near` the numbers of the groups of rows with the
    same / nearly the same text (near groups contain the exact ones), `lengths` and `unknown` the tokens of each row
    before any cut and how many of them the tokenizer does not know (None where no tokenizer is at hand). `kind` is
    what is judged ("class", "value", …; None where nobody says), `noticed` what the task found in its own rows, `lost`
    how many tokens of each row are not read (None: those beyond `max_length`).
    """

    table: Table
    roles: Roles
    splits: Splits
    texts: Sequence[str | None]
    pairs: Sequence[str | None] | None
    labels: Sequence[str | None] | None
    exact: Ints
    near: Ints
    lengths: Ints | None = None
    unknown: Ints | None = None
    max_length: int | None = None
    model_name: str = ""
    split_made_by_bertune: bool = True
    kind: str | None = None
    noticed: Sequence[Finding] = ()
    lost: Ints | None = None

    def places(self, positions: Sequence[int] | Ints, most: int = 1000) -> tuple[Place, ...]:
        """The origins of rows, the first `most` of them."""
        return tuple(self.table.place(int(i)) for i in list(positions)[:most])


@dataclass(frozen=True, eq=False)
class Batch:
    """Packed texts: no padding. One row may own several texts.

    ids[tokens], types[tokens] (segment, or None), starts[texts + 1] (offsets into ids; it stays on the processor when
    the others go to a device), owner[texts] (position in `rows` of the row a text belongs to), rows[rows] (position of
    each row in its split). targets has one entry a row, a text or a token, as the task judges them.
    beside[name][tokens] is what the task noted of each token. `part` is the number of the task, where several are
    learnt at once. A `spare` batch is computed and counts for nothing.
    """

    ids: "Tensor"
    starts: "Tensor"
    owner: "Tensor"
    targets: "Tensor"
    rows: Ints
    types: "Tensor | None" = None
    beside: Mapping[str, "Tensor"] = field(default_factory=dict)
    part: int = 0
    spare: bool = False

    @property
    def texts(self) -> int:
        """Number of texts."""
        return int(self.starts.shape[0]) - 1


@dataclass(frozen=True, eq=False)
class Output:
    """What a loss judges of a batch: logits[judged, classes] in float32 beside targets[judged]."""

    logits: "Tensor"
    targets: "Tensor"


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model gives for many rows: values[items, numbers], the items of a row side by side.

    Row i has those from starts[i] up to starts[i + 1]: one, or one for each of its texts, or one for each token.
    `seconds` is how long they took. `more` is what the head learnt that they are read by, such as how likely one tag
    follows another.
    """

    values: Floats
    starts: Ints
    seconds: float = 0.0
    more: Mapping[str, Floats] = field(default_factory=dict)

    def scaled(self, tuned: "Tuned") -> "Answers":
        """The same with the values multiplied and shifted as tuned."""
        if tuned.scale == 1.0 and tuned.shift == 0.0:
            return self
        return replace(self, values=self.values * tuned.scale + tuned.shift)


@dataclass(frozen=True)
class Tuned:
    """How answers are read: values times `scale` plus `shift`; the probability from which the second of two classes is
    answered; and what else the task found on validation rows."""

    scale: float = 1.0
    shift: float = 0.0
    threshold: float | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Guesses:
    """What a task reads from answers: guess[rows] and probabilities[rows, classes] as `Judged` has them.

    `told` holds further fields of each answer, one entry a row, as plain JSON values.
    """

    guess: NDArray[Any]
    probabilities: Floats | None = None
    told: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.guess)

    def take(self, positions: Ints) -> "Guesses":
        """The rows at these positions, in this order."""
        chances = None if self.probabilities is None else self.probabilities[positions]
        return Guesses(self.guess[positions], chances, {n: _taken(v, positions) for n, v in self.told.items()})


@dataclass(frozen=True, eq=False)
class Terms:
    """What a loss gives: one value and one weight per judged item, never reduced."""

    values: "Tensor"
    weights: "Tensor"


@dataclass(frozen=True, eq=False)
class Judged:
    """Gold beside guesses, one entry a row: what metrics read and the bootstrap resamples.

    What gold[rows] and guess[rows] hold goes by the kind of a metric:
    "class": class numbers; probabilities[rows, classes] or None.
    "labels": truth values [rows, classes]; probabilities[rows, classes] or None.
    "value": numbers.
    "spans": for each row a tuple of (start, end, type), sorted, `end` exclusive; `classes` are the types.
    "answer": gold is a tuple of acceptable answers, empty where there is none; guess is a text, "" for no answer.
    "ranking": gold is a set of what should be found; guess a tuple of what was found, the best first.
    The last three are arrays of Python objects.
    """

    gold: NDArray[Any]
    guess: NDArray[Any]
    probabilities: Floats | None
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.gold)

    def take(self, indices: Ints) -> "Judged":
        """The rows at these positions."""
        probabilities = None if self.probabilities is None else self.probabilities[indices]
        return replace(self, gold=self.gold[indices], guess=self.guess[indices], probabilities=probabilities)


@dataclass(frozen=True)
class Score:
    """A score with its 95 % interval and the number of rows it rests on."""

    value: float
    low: float
    high: float
    n: int

    def as_json(self) -> dict[str, float | int]:
        """The score as it stands in scores.json."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}
