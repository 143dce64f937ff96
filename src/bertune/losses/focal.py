"""Cross-entropy that pays less attention to what is easy."""

from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from pydantic import Field
from torch import Tensor

from bertune.base.types import Terms
from bertune.losses._loss import Loss, split_ignored, terms


class Focal(Loss):
    """Cross-entropy times (1 - p) ** gamma, p being the probability of the truth; gamma 0 is cross-entropy.

    Classes go through a softmax, several labels each through a sigmoid (then the mean over labels). No alpha: for
    class weights take weighted or class_balanced. Source: Lin et al. 2017, equation 4.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "labels")

    def __init__(
        self, *, gamma: Annotated[float, Ge(0), Le(10), Field(description="how little easy rows count")] = 2.0
    ) -> None:
        self._gamma = gamma

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """-(1 - p) ** gamma · log p per row."""
        if targets.is_floating_point():
            # 1 - p = sigmoid(-z) with z the logit signed by the truth; in logs, so that nothing over- or underflows.
            signed = torch.where(targets > 0.5, logits, -logits)
            return terms((self._shrink(F.logsigmoid(-signed)) * -F.logsigmoid(signed)).mean(dim=1))
        safe, counted = split_ignored(targets)
        log_rest = _log_of_others(logits, safe)
        return terms(self._shrink(log_rest) * F.cross_entropy(logits, safe, reduction="none"), counted)

    def _shrink(self, log_rest: Tensor) -> Tensor:
        return torch.exp(self._gamma * log_rest)


def _log_of_others(logits: Tensor, targets: Tensor) -> Tensor:
    """log(1 - p[target]) per row, summed over the other classes: exact where 1 - p would round to 0."""
    least = torch.finfo(logits.dtype).min
    others = logits.scatter(1, targets[:, None], least)
    return torch.logsumexp(others, dim=1) - torch.logsumexp(logits, dim=1)
