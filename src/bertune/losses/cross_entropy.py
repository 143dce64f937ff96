"""Cross-entropy over classes."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from bertune.base.types import Terms
from bertune.losses._loss import Loss, split_ignored, terms


class CrossEntropy(Loss):
    """Minus the log-probability of the true class; the usual choice.

    Source: torch.nn.CrossEntropyLoss without reduction.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "position")

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """-log softmax(logits)[target], in nats, per row."""
        safe, counted = split_ignored(targets)
        return terms(F.cross_entropy(logits, safe, reduction="none"), counted)
