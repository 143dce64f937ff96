"""What the losses that measure a distance share: to a value, or from probabilities to the true class."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from bertune.base.types import Terms
from bertune.losses._loss import Loss, split_ignored, terms


class Distance(Loss):
    """A distance between guess and truth, summed over the entries of a row.

    Float targets[rows] are compared with logits[:, 0]; integer targets as one-hot rows with softmax(logits).
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "value")

    def distance(self, guess: Tensor, truth: Tensor) -> Tensor:
        """Distance of each entry; same shape as both."""
        raise NotImplementedError

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """Distance per row."""
        if targets.is_floating_point():
            return terms(self.distance(logits[:, 0], targets.to(logits.dtype)))
        safe, counted = split_ignored(targets)
        one_hot = F.one_hot(safe, logits.shape[1]).to(logits.dtype)
        return terms(self.distance(torch.softmax(logits, dim=1), one_hot).sum(dim=1), counted)
