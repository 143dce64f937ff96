"""What classification of single texts and of pairs have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bertune.base.errors import DataError
from bertune.base.types import Answers, Examples, Floats, Guesses, Ints, Judged, Roles, Table, Tuned
from bertune.data.columns import label_texts
from bertune.data.store import TokenStore
from bertune.metrics._calibration import fit_temperature, softmax, tune_threshold
from bertune.tasks import _borders
from bertune.tasks._task import PLAIN, Task, Tuning


class Classification(Task):
    """One class for each row, read off the first token by a linear head."""

    kind: ClassVar[str] = "class"
    loss_kind: ClassVar[str] = "class"
    default_loss: ClassVar[str] = "cross_entropy"
    metrics: ClassVar[tuple[str, ...]] = (
        "macro_f1",
        "accuracy",
        "weighted_f1",
        "balanced_accuracy",
        "matthews",
        "log_loss",
        "calibration_error",
    )
    watched: ClassVar[tuple[str, ...]] = ("log_loss", "macro_f1", "accuracy")
    decides: ClassVar[bool] = True
    baselines: ClassVar[tuple[str, ...]] = ("majority", "tfidf")

    def gold(self, table: Table, roles: Roles) -> Sequence[Any]:
        """The label of each row, exactly as it stands; None where missing."""
        assert roles.label is not None
        return label_texts(table, roles.label)

    def strata(self, gold: Sequence[Any]) -> list[str]:
        """The labels themselves."""
        return [str(label) for label in gold]

    def classes(self, gold: Sequence[Any]) -> tuple[str, ...]:
        """The label set: sorted labels of the training rows alone. Raises DataError when there are fewer than two."""
        found = sorted({label for label in gold if label is not None}, key=natural)
        if len(found) < 2:
            raise DataError(
                "there is nothing to tell apart.",
                expected="training rows of at least two classes",
                found=f"only {found[0]!r}" if found else "no labels",
                next_move="check the label column: --label NAME",
            )
        return tuple(found)

    def known(self, gold: Sequence[Any], classes: Sequence[str]) -> NDArray[np.bool_]:
        """Which rows have a label that is among the classes."""
        return numbers_of(gold, classes) >= 0

    def targets(self, examples: Examples, classes: Sequence[str], unit: Tuned = PLAIN) -> Ints:
        """Class number of each row; -1 where the label is missing or not among the classes."""
        assert examples.gold is not None
        return numbers_of(examples.gold, classes)

    def tune(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuning: Tuning
    ) -> Tuned:
        """The temperature that makes the gold classes likeliest, and of two classes the threshold, where asked for."""
        gold = self.targets(examples, classes)
        scale = 1.0
        if tuning.calibration:
            scale = 1.0 / float(np.float32(fit_temperature(answers.values, gold)))
        threshold = None
        if tuning.threshold and len(classes) == 2:
            threshold = float(tune_threshold(softmax(answers.values * scale)[:, 1], gold, tuning.metric))
        return Tuned(scale=scale, threshold=threshold)

    def decode(
        self, examples: Examples, store: TokenStore, answers: Answers, classes: tuple[str, ...], tuned: Tuned
    ) -> Guesses:
        """The class of each row with the probability of every class."""
        probabilities = softmax(answers.values)
        return Guesses(self.chosen(probabilities, tuned.threshold), probabilities)

    def room(self, examples: Examples, answers: Answers, tuned: Tuned) -> Floats:
        """The way to the next best class, or to the threshold."""
        return _borders.of_classes(answers.values, tuned.threshold)

    def chosen(self, probabilities: Floats, threshold: float | None = None) -> Ints:
        """The class of each row: the most probable one; of two classes the second from `threshold` on."""
        if threshold is not None and probabilities.shape[1] == 2:
            return np.asarray(probabilities[:, 1] >= threshold, dtype=np.int64)
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)

    def doubt(self, guesses: Guesses) -> Floats:
        """The entropy of the probabilities, over that of a fair guess."""
        assert guesses.probabilities is not None
        chances = np.clip(guesses.probabilities, 1e-12, 1.0)
        return np.asarray(-(chances * np.log(chances)).sum(axis=1) / np.log(max(chances.shape[1], 2)))

    def confidence(self, guesses: Guesses) -> Floats:
        """The probability of the class that is answered."""
        assert guesses.probabilities is not None
        return np.asarray(guesses.probabilities[np.arange(len(guesses)), guesses.guess])

    def judged_again(
        self, columns: Mapping[str, Sequence[Any]], own: tuple[str, ...], classes: tuple[str, ...]
    ) -> Judged:
        """Gold beside guess as class numbers; classes that the model did not know have the probability 0."""
        gold, guess = numbers_of(columns["label"], classes), numbers_of(columns["prediction"], classes)
        return Judged(gold, guess, widened(columns["probabilities"], own, classes), classes)

    def as_guesses(self, examples: Examples, classes: tuple[str, ...]) -> Guesses:
        """The gold classes with probability 1."""
        gold = self.targets(examples, classes)
        return Guesses(gold, np.eye(len(classes))[gold])

    def answer(self, guesses: Guesses, row: int, classes: tuple[str, ...]) -> dict[str, Any]:
        """prediction, its probability, and the probabilities {class: p}."""
        assert guesses.probabilities is not None
        guess, chances = int(guesses.guess[row]), guesses.probabilities[row].tolist()
        told = {"prediction": classes[guess], "probability": chances[guess]}
        return told | {"probabilities": dict(zip(classes, chances, strict=True))}

    def fields(self, classes: tuple[str, ...]) -> dict[str, pa.DataType]:
        """`probabilities` are in the order of the classes."""
        chances = pa.list_(pa.float64())
        return {"prediction": pa.string(), "probability": pa.float64(), "probabilities": chances}


def numbers_of(labels: Sequence[Any], classes: Sequence[str]) -> Ints:
    """Class number of each label; -1 where it is missing or not among the classes."""
    number = {name: i for i, name in enumerate(classes)}
    return np.array([number.get(label, -1) if label is not None else -1 for label in labels], dtype=np.int64)


def widened(probabilities: Sequence[Any], own: Sequence[str], classes: Sequence[str]) -> Floats:
    """Probabilities [rows, classes] from those of a model's own classes."""
    found = np.zeros((len(probabilities), len(classes)))
    found[:, numbers_of(own, classes)] = np.array(probabilities, dtype=np.float64).reshape(-1, len(own))
    return found


def natural(label: str) -> tuple[int, float, str]:
    """Sorts numbers in their order before words in theirs."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)
