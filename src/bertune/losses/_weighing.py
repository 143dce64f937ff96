"""What the losses with class weights share: cross-entropy whose rows weigh as much as their class."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from bertune.base.types import Terms
from bertune.losses._loss import Loss, class_counts, split_ignored, terms


class Weighing(Loss):
    """Cross-entropy with one weight per class, found from the training targets; the weights go to Terms.weights."""

    kinds: ClassVar[tuple[str, ...]] = ("class",)
    _class_weights: Tensor | None = None

    def fit(self, targets: Tensor, classes: int) -> None:
        """Find the weight of each class from all training targets (integers[rows])."""
        self._class_weights = self.weights_of(class_counts(targets, classes)).to(torch.float32)

    def weights_of(self, counts: Tensor) -> Tensor:
        """Weight of each class from its number of training rows (float64[classes])."""
        raise NotImplementedError

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """-log softmax(logits)[target] per row, weighing as much as the class of its target."""
        if self._class_weights is None:
            raise RuntimeError("class weights are not known yet: fit(targets, classes) comes first")
        safe, counted = split_ignored(targets)
        if self._class_weights.device != logits.device:
            self._class_weights = self._class_weights.to(logits.device)
        return terms(F.cross_entropy(logits, safe, reduction="none"), counted, self._class_weights[safe])


def balanced(counts: Tensor, weights: Tensor) -> Tensor:
    """The weights scaled so that those of the classes with training rows have mean 1; 0 for classes without."""
    present = counts > 0
    weights = weights.masked_fill(~present, 0.0)
    return weights * present.sum() / weights.sum()
