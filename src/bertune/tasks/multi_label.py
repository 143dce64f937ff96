"""Any number of labels for each text."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit

from bertune.base.errors import DataError
from bertune.base.types import Answers, Examples, Floats, Guesses, Judged, Roles, Table, Tuned
from bertune.data.columns import label_texts
from bertune.data.store import TokenStore
from bertune.tasks import _borders
from bertune.tasks._classification import natural, widened
from bertune.tasks._labels import binary_columns, is_several, separator_of
from bertune.tasks._long_texts import Kept, LongTexts, OfLongTexts, Pooling, Stride
from bertune.tasks._task import PLAIN, Asked, Tuning
from bertune.tasks._thresholds import best_thresholds

NO_LABEL = "(none)"
TRUTH = {"0": False, "1": True, "false": False, "true": True}
OWN = "label "  # begins the role of a column that is a label of its own


class MultiLabel(OfLongTexts):
    """Any number of labels for each text or pair, none among them: topics, emotions, kinds of abuse.

    Labels come as lists, as texts joined by | ; or , or as one column of 0 and 1 each. A row whose labels are missing
    has no gold, and an empty text is missing; an empty list, or 0 in every column, says that no label fits. From which
    probability a label is given is tuned on validation rows, label by label.
    """

    name: ClassVar[str] = "multi_label"
    columns: ClassVar[tuple[str, ...]] = ("text", "labels")
    example: ClassVar[str] = """text,labels
The parcel is late and the box is broken.,delivery|damage
Please refund my order.,payment
The courier was rude.,delivery|service
I was charged twice and nobody answers.,payment|service
The glass came in pieces.,damage
Where is my order?,delivery
The card was refused.,payment
The man at the desk was rude and the lamp is broken.,service|damage
"""
    modest: ClassVar[bool] = True  # any two columns of 0 and 1 could be labels
    kind: ClassVar[str] = "labels"
    problem: ClassVar[str | None] = "multi_label_classification"
    guessed: ClassVar[bool] = True
    loss_kind: ClassVar[str] = "labels"
    default_loss: ClassVar[str] = "binary_cross_entropy"
    metrics: ClassVar[tuple[str, ...]] = (
        "labels_macro_f1", "labels_micro_f1", "labels_sample_f1", "labels_exact_match", "labels_hamming_loss",
        "labels_average_precision", "labels_log_loss",
    )  # fmt: skip
    watched: ClassVar[tuple[str, ...]] = ("labels_log_loss", "labels_macro_f1", "labels_average_precision")
    baselines: ClassVar[tuple[str, ...]] = ("label_rates", "tfidf_labels")
    decides: ClassVar[bool] = True

    def __init__(
        self,
        *,
        separator: Annotated[
            Literal["auto", "none", "|", ";", ","],
            Field(description="sign that joins labels in a text; auto: recognised; none: a text is one label"),
        ] = "auto",
        long_texts: LongTexts = "cut",
        stride: Stride = 64,
        pooling: Pooling = "mean",
        keep: Kept = "head",
    ) -> None:
        super().__init__(long_texts=long_texts, stride=stride, pooling=pooling, keep=keep)
        self.separator = separator
        self._found: str | None = None

    def decided(self, examples: Examples) -> dict[str, Any]:
        """The separator that was recognised, so that other files are read with the same."""
        return {"separator": self._found} if self.separator == "auto" and self._found is not None else {}

    @classmethod
    def claims(cls, table: Table, asked: Asked, need_label: bool = True) -> Roles | None:
        """Two columns or more of 0 and 1 beside a text, where no column is called a label."""
        named = asked.get("label")
        wanted = [n.strip() for n in named.split(",")] if named and named not in table.names else []
        if wanted and not set(wanted) <= set(table.names):
            return None
        others = [n for n in table.names if n not in (asked.get("text"), asked.get("text_pair"), asked.get("group"))]
        found = wanted or ([] if named else binary_columns(table, others))
        if len(found) < 2:
            return None
        from bertune.data.columns import recognise

        rest = [n for n in table.names if n not in found]
        part = Table(table.columns.select(rest), table.files, table.file, table.row, table.line, table.given)
        try:
            roles = recognise(part, asked.get("text"), asked.get("text_pair"), None, asked.get("group"), False)
        except DataError:
            return None
        if roles.label is not None and not wanted:
            return None
        more = {OWN + name: name for name in found}
        return Roles(roles.text, roles.text_pair, found[0], roles.group, "a column for each label", more)

    @classmethod
    def recognise(cls, table: Table, roles: Roles) -> bool:
        """Whether the label column holds lists, or labels joined by a separator."""
        return is_several(table, roles.label)

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The labels of each row as a sorted tuple; None where missing. Raises DataError naming file and row."""
        assert roles.label is not None
        own = [name for role, name in roles.more.items() if role.startswith(OWN)]
        if own:
            return _of_columns(table, own)
        column = table.columns.column(roles.label)
        if pa.types.is_nested(column.type):
            return [None if v is None else _sorted(str(x) for x in v if x is not None) for v in column.to_pylist()]
        texts = label_texts(table, roles.label)
        self._found = self.separator
        if self.separator == "auto":
            self._found = separator_of([t for t in texts if t is not None]) or "none"
        sign = None if self._found == "none" else self._found
        return [None if t is None else _sorted(p.strip() for p in (t.split(sign) if sign else [t])) for t in texts]

    def strata(self, gold: Sequence[Any]) -> list[str]:
        """Of each row its rarest label."""
        counts = Counter(label for labels in gold for label in labels)
        return [min(labels, key=lambda x: (counts[x], x)) if labels else NO_LABEL for labels in gold]

    def classes(self, gold: Sequence[Any]) -> tuple[str, ...]:
        """All labels of the training rows. Raises DataError when there are fewer than two."""
        found = sorted({label for labels in gold if labels is not None for label in labels}, key=natural)
        if len(found) < 2:
            raise DataError(
                "there is nothing to tell apart.", expected="training rows with two labels or more",
                found=", ".join(found) or "no labels", next_move="check the label column: --label NAME",
            )  # fmt: skip
        return tuple(found)

    def targets(self, examples: Examples, classes: Sequence[str], unit: Tuned = PLAIN) -> NDArray[Any]:
        """1 for each label of a row, 0 for the others: [rows, classes] in float32; other labels do not count."""
        assert examples.gold is not None
        return _table(examples.gold, classes)

    def tune(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuning: Tuning
    ) -> Tuned:
        """From which probability each label is given: the one with the best F1."""
        gold = self.targets(examples, classes) > 0.5
        return Tuned(more={"thresholds": best_thresholds(expit(answers.values), gold).tolist()})

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """Which labels each row gets, and the probability of every label."""
        probabilities: Floats = expit(answers.values)
        return Guesses(np.asarray(probabilities >= _thresholds(tuned)), probabilities)

    def room(self, examples: Examples, answers: Answers, tuned: Tuned) -> Floats:
        """The way of the nearest label to the probability from which it is given."""
        return _borders.of_labels(answers.values, _thresholds(tuned))

    def judged(self, examples: Examples, guesses: Guesses, classes: tuple[str, ...]) -> Any:
        """Gold beside guess, both as truth values."""
        found = super().judged(examples, guesses, classes)
        return type(found)(found.gold > 0.5, found.guess, found.probabilities, classes)

    def doubt(self, guesses: Guesses) -> Floats:
        """The entropy of the label most in doubt, over that of a fair guess."""
        assert guesses.probabilities is not None
        chances = np.clip(guesses.probabilities, 1e-12, 1 - 1e-12)
        entropy = -(chances * np.log(chances) + (1 - chances) * np.log(1 - chances)) / np.log(2)
        return np.asarray(entropy.max(axis=1))

    def confidence(self, guesses: Guesses) -> Floats:
        """The probability of the answer to the label most in doubt, given or not given."""
        assert guesses.probabilities is not None
        return np.asarray(np.where(guesses.guess, guesses.probabilities, 1 - guesses.probabilities).min(axis=1))

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """Gold beside guess as truth values; labels that the model did not know have the probability 0."""
        gold, guess = (_table(columns[name], classes) > 0.5 for name in ("label", "prediction"))
        return Judged(gold, guess, widened(columns["probabilities"], own, classes), classes)

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """The gold labels with probability 1."""
        gold = self.targets(examples, classes)
        return Guesses(gold > 0.5, gold.astype(np.float64))

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction: the labels; and the probabilities {label: p}."""
        assert guesses.probabilities is not None
        chances = dict(zip(classes, guesses.probabilities[row].tolist(), strict=True))
        return {"prediction": [classes[k] for k in np.flatnonzero(guesses.guess[row])], "probabilities": chances}

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """`probabilities` are in the order of the classes."""
        return {"prediction": pa.list_(pa.string()), "probabilities": pa.list_(pa.float64())}

    def label(self, gold: Any) -> Any:
        """The labels as a list."""
        return list(gold)

    def shown(self, value: Any) -> str:
        """The labels with commas between."""
        return ", ".join(value) or NO_LABEL


def _thresholds(tuned: Tuned) -> Floats:
    """From which probability each label is given."""
    return np.asarray(tuned.more.get("thresholds", 0.5), np.float64)


def _table(rows: Sequence[Any], classes: Sequence[str]) -> NDArray[np.float32]:
    """1 for each label of a row that is among the classes: [rows, classes]."""
    number = {name: i for i, name in enumerate(classes)}
    found = np.zeros((len(rows), len(classes)), np.float32)
    for row, labels in enumerate(rows):
        found[row, [number[label] for label in labels or () if label in number]] = 1.0
    return found


def _sorted(labels: Any) -> tuple[str, ...]:
    return tuple(sorted({label for label in labels if label}, key=natural))


def _of_columns(table: Table, names: Sequence[str]) -> list[tuple[str, ...] | None]:
    columns: Mapping[str, list[str | None]] = {name: label_texts(table, name) for name in names}
    for name, values in columns.items():
        for i, value in enumerate(values):
            if value is not None and value.strip().lower() not in TRUTH:
                raise DataError(
                    "this label is neither given nor not.", where=str(table.place(i)),
                    expected=f"0 or 1, or true or false, in column {name!r}", found=repr(value[:80]),
                    next_move="mend the row, or name other columns: --label ONE,TWO",
                )  # fmt: skip
    rows = zip(*columns.values(), strict=True)
    return [
        None if all(v is None for v in row)
        else _sorted(n for n, v in zip(names, row, strict=True) if v is not None and TRUTH[v.strip().lower()])
        for row in rows
    ]  # fmt: skip
