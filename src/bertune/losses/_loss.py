"""What the losses share: the base class, rows that count for nothing, class counts."""

from typing import ClassVar

import torch
from torch import Tensor

from bertune.base.types import Terms

IGNORED = -100
"""Integer target of a row that counts for nothing: value 0, weight 0, no gradient (torch's convention)."""


class Loss:
    """A loss: one value and one weight per row, never reduced; the engine alone divides.

    `kinds` names the targets it takes: "class" (integers[rows]), "value" (floats[rows], read against logits[:, 0]),
    "labels" (floats[rows, classes] of 0 and 1), "position" (integers[rows]: which of a row's own columns is right; no
    classes are there to weigh, and columns that a row lacks have hopeless logits).
    """

    kinds: ClassVar[tuple[str, ...]] = ()

    def fit(self, targets: Tensor, classes: int) -> None:
        """See all training targets once, before training; only losses that weigh classes make use of it."""

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """values[rows] and weights[rows] of logits[rows, classes] against targets[rows]."""
        raise NotImplementedError


def split_ignored(targets: Tensor) -> tuple[Tensor, Tensor]:
    """Integer targets safe to index with (int64; 0 where ignored), and which rows count (bool[rows])."""
    counted = targets != IGNORED
    return targets.long().masked_fill(~counted, 0), counted


def terms(values: Tensor, counted: Tensor | None = None, weights: Tensor | None = None) -> Terms:
    """Terms with weight 1, or the given weights, and 0 for value, weight and gradient of rows that do not count."""
    weights = torch.ones_like(values, requires_grad=False) if weights is None else weights.to(values)
    if counted is not None:
        values, weights = values.masked_fill(~counted, 0), weights.masked_fill(~counted, 0)
    return Terms(values, weights.detach())


def class_counts(targets: Tensor, classes: int) -> Tensor:
    """Training rows of each class (float64[classes]); ignored rows are not counted."""
    return torch.bincount(targets[targets != IGNORED].long().cpu(), minlength=classes).double()
