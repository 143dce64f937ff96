"""Cross-entropy against softened targets."""

from typing import Annotated, ClassVar

import torch.nn.functional as F
from annotated_types import Ge, Lt
from pydantic import Field
from torch import Tensor

from bertune.base.types import Terms
from bertune.losses._loss import Loss, split_ignored, terms


class LabelSmoothing(Loss):
    """Cross-entropy that gives a little of the target to every class.

    Source: Szegedy et al. 2016, section 7; torch.nn.CrossEntropyLoss(label_smoothing).
    """

    kinds: ClassVar[tuple[str, ...]] = ("class",)

    def __init__(
        self, *, smoothing: Annotated[float, Ge(0), Lt(1), Field(description="share spread over all classes")] = 0.1
    ) -> None:
        self._smoothing = smoothing

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """(1 - s) · (-log p[target]) + s · mean over classes of -log p, in nats, per row."""
        safe, counted = split_ignored(targets)
        return terms(F.cross_entropy(logits, safe, reduction="none", label_smoothing=self._smoothing), counted)
