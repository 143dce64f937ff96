"""A margin between the right one and the best wrong one."""

from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from pydantic import Field
from torch import Tensor

from bertune.base.types import Terms
from bertune.losses._loss import Loss, split_ignored, terms


class Triplet(Loss):
    """How far the right one is from standing above every other by a margin; 0 where it does.

    The margin is in units of the logits: for retrieval these are cosines times task.scale, so with 20 a margin of 4 is
    a cosine of 0.2.
    Source: Schroff et al. 2015, FaceNet, equation 1, with the hardest wrong one of the batch (Hermans et al. 2017,
    In defense of the triplet loss, equation 5).
    """

    kinds: ClassVar[tuple[str, ...]] = ("position",)

    def __init__(
        self, *, margin: Annotated[float, Gt(0), Field(description="by how much the right one shall stand above")] = 4.0
    ) -> None:
        self._margin = margin

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """max(0, margin + best other logit - logit of the target) per row; 0 where there is no other."""
        safe, counted = split_ignored(targets)
        right = logits.gather(1, safe[:, None])[:, 0]
        others = logits.scatter(1, safe[:, None], torch.finfo(logits.dtype).min)
        return terms((self._margin + others.amax(dim=1) - right).clamp(min=0), counted)
