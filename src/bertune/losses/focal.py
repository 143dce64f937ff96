"""Cross-entropy that pays less attention to what is easy."""

from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Ge, Le
from pydantic import Field
from torch import Tensor

from bertune.base.errors import Problem, RecipeError
from bertune.base.types import Terms
from bertune.losses._loss import split_ignored, terms
from bertune.losses._positive import Asking, PositiveWeight


class Focal(Asking):
    """Cross-entropy times (1 - p) ** gamma, p being the probability of the truth; gamma 0 is cross-entropy.

    Classes go through a softmax, several labels each through a sigmoid (then the mean over labels); of several labels
    a yes may count for more (`positive_weight`, the paper's alpha). For class weights take weighted or class_balanced.
    Raises RecipeError for positive_weight where there is one class a row. Source: Lin et al. 2017, equations 4 and 5.
    """

    kinds: ClassVar[tuple[str, ...]] = ("class", "labels")

    def __init__(
        self,
        *,
        gamma: Annotated[float, Ge(0), Le(10), Field(description="how little easy rows count")] = 2.0,
        positive_weight: PositiveWeight = "none",
    ) -> None:
        super().__init__(positive_weight=positive_weight)
        self._gamma = gamma

    def fit(self, targets: Tensor, classes: int) -> None:
        """Find the weight of each of several labels from all training targets (floats[rows, labels])."""
        if not targets.is_floating_point() and self._positive_weight != "none":
            text = "each row has one class, and no yes to weigh; for class weights set loss.name=weighted"
            raise RecipeError([Problem("loss.positive_weight", text)])
        super().fit(targets, classes)

    def __call__(self, logits: Tensor, targets: Tensor) -> Terms:
        """-(1 - p) ** gamma · log p per row."""
        if targets.is_floating_point():
            # 1 - p = sigmoid(-z) with z the logit signed by the truth; in logs, so that nothing over- or underflows.
            signed = torch.where(targets > 0.5, logits, -logits)
            values = self._shrink(F.logsigmoid(-signed)) * -F.logsigmoid(signed)
            return terms(self.weighed(values, targets > 0.5).mean(dim=1))
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
