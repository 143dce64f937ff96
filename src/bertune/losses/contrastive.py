"""One yes-or-no question for each candidate."""

from typing import Annotated, ClassVar

import torch.nn.functional as F
from annotated_types import Ge
from pydantic import Field
from torch import Tensor

from bertune.base.types import Terms
from bertune.losses._loss import Loss, split_ignored, terms


class Contrastive(Loss):
    """Each candidate on its own: the right one shall lie above a bound, every other one below it.

    The bound is in units of the logits: for retrieval these are cosines times task.scale, so with 20 a bound of 10 is a
    cosine of 0.5. Unlike cross-entropy it gives cosines a meaning that is the same for every text.
    Source: Zhai et al. 2023, Sigmoid loss for language image pre-training, section 3.2 (there the bound is learnt).
    """

    kinds: ClassVar[tuple[str, ...]] = ("position",)

    def __init__(
        self, *, bound: Annotated[float, Ge(0), Field(description="logit that parts right from wrong")] = 10.0
    ) -> None:
        self._bound = bound

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """-log sigmoid(logit - bound) of the target plus the sum of -log sigmoid(bound - logit) of the others."""
        safe, counted = split_ignored(targets)
        shifted = logits - self._bound
        right = shifted.gather(1, safe[:, None])[:, 0]
        return terms(F.softplus(shifted).sum(dim=1) - right, counted)
