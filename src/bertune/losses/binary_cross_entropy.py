"""One yes-or-no question per class."""

from typing import ClassVar

import torch.nn.functional as F
from torch import Tensor

from bertune.base.types import Terms
from bertune.losses._loss import split_ignored, terms
from bertune.losses._positive import Asking


class BinaryCrossEntropy(Asking):
    """Cross-entropy of one yes-or-no question per class, the mean over classes.

    Integer targets ask "this class or another?" (one against the rest), float targets[rows, classes] give the answer
    to each question. With `positive_weight` a yes to a rare label counts for more.
    Source: torch.nn.BCEWithLogitsLoss.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "labels")

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """Mean over classes of -log sigmoid(±logit), in nats, per row."""
        counted = None
        if not targets.is_floating_point():
            safe, counted = split_ignored(targets)
            targets = F.one_hot(safe, logits.shape[1])
        values = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none")
        return terms(self.weighed(values, targets > 0.5).mean(dim=1), counted)
