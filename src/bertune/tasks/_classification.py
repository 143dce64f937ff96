"""What classification of single texts and of pairs have in common."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bertune.base.errors import DataError
from bertune.base.types import Floats, Ints, Judged, Roles
from bertune.data.tokenizer import Encoded, TextTokenizer


class Classification:
    """One class for each row, read off the first token by a linear head."""

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    example: ClassVar[str]
    pairs: ClassVar[bool]
    head: ClassVar[str] = "sequence_classification"
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
    baselines: ClassVar[tuple[str, ...]] = ("majority", "tfidf")

    @classmethod
    def recognise(cls, roles: Roles) -> bool:
        """Whether rows with these columns can be this task."""
        return (roles.text_pair is not None) == cls.pairs

    def classes(self, labels: Sequence[str | None]) -> tuple[str, ...]:
        """The label set: sorted labels of the training rows alone. Raises DataError when there are fewer than two."""
        found = sorted({label for label in labels if label is not None}, key=_natural)
        if len(found) < 2:
            raise DataError(
                "there is nothing to tell apart.",
                expected="training rows of at least two classes",
                found=f"only {found[0]!r}" if found else "no labels",
                next_move="check the label column: --label NAME",
            )
        return tuple(found)

    def targets(self, labels: Sequence[str | None], classes: Sequence[str]) -> Ints:
        """Class number of each row; -1 where the label is missing or not among the classes."""
        number = {name: i for i, name in enumerate(classes)}
        return np.array([number.get(label, -1) if label is not None else -1 for label in labels], dtype=np.int64)

    def encode(
        self, texts: Sequence[str], pairs: Sequence[str] | None, tokenizer: TextTokenizer, max_length: int
    ) -> Iterator[Encoded]:
        """The token ids of the rows, one text a row; of pairs, both texts as two segments."""
        yield from tokenizer.encode(texts, pairs, max_length)

    def decode(self, probabilities: Floats, threshold: float | None = None) -> Ints:
        """The class of each row: the most probable one; of two classes the second from `threshold` on."""
        if threshold is not None and probabilities.shape[1] == 2:
            return np.asarray(probabilities[:, 1] >= threshold, dtype=np.int64)
        return np.asarray(probabilities.argmax(axis=1), dtype=np.int64)

    def judged(
        self, targets: NDArray[Any], probabilities: Floats, classes: tuple[str, ...], threshold: float | None = None
    ) -> Judged:
        """Gold beside guess for the rows that have a gold label."""
        known = np.asarray(targets) >= 0
        rows = probabilities[known]
        return Judged(np.asarray(targets)[known], self.decode(rows, threshold), rows, classes)


def _natural(label: str) -> tuple[int, float, str]:
    """Numbers in their order before words in theirs."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)
