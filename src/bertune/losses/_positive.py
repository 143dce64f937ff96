"""What the losses of yes-or-no questions share: how much more a yes counts than a no, label by label."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge
from pydantic import Field
from torch import Tensor

from bertune.base.errors import Problem, RecipeError
from bertune.losses._loss import Loss, class_counts

Weight = Annotated[float, Ge(0)]
PositiveWeight = Annotated[
    Literal["none", "balanced", "balanced_sqrt"] | tuple[Weight, ...],
    Field(description="weight of a yes over a no: by a rule, or one number per label in the order of the labels"),
]


class Asking(Loss):
    """A loss of one yes-or-no question per label, in which a yes may count for more than a no.

    balanced: rows without the label over rows with it, so that both count alike in sum; balanced_sqrt: the root of
    that, milder. A label that all rows have, or none, has weight 1. Probabilities then lean towards yes; where labels
    have thresholds of their own, those are tuned after it. Source: torch.nn.BCEWithLogitsLoss(pos_weight).
    """

    _positive: Tensor | None = None

    def __init__(self, *, positive_weight: PositiveWeight = "none") -> None:
        self._positive_weight = positive_weight

    def fit(self, targets: Tensor, classes: int) -> None:
        """Find the weight of each label from all training targets: floats[rows, labels], or integers[rows].

        Raises RecipeError where there are not as many weights as labels.
        """
        if self._positive_weight == "none":
            return
        if targets.is_floating_point():
            rows, with_it = len(targets), (targets > 0.5).sum(dim=0).double().cpu()
        else:
            with_it = class_counts(targets, classes)
            rows = int(with_it.sum())
        self._positive = self._weights(with_it, rows).to(torch.float32)

    def _weights(self, with_it: Tensor, rows: int) -> Tensor:
        """The weight of a yes to each label, of which `with_it` of all rows have it."""
        if isinstance(self._positive_weight, tuple):
            if len(self._positive_weight) != len(with_it):
                text = f"found {len(self._positive_weight)} weights; expected {len(with_it)}, one per label in order"
                raise RecipeError([Problem("loss.positive_weight", text)])
            return torch.tensor(self._positive_weight, dtype=torch.float64)
        ratio = (rows - with_it) / with_it
        weights = ratio if self._positive_weight == "balanced" else ratio.sqrt()
        return torch.where((with_it > 0) & (with_it < rows), weights, torch.ones_like(weights))

    def weighed(self, values: Tensor, yes: Tensor) -> Tensor:
        """values[rows, labels], those of questions whose answer is yes (bool[rows, labels]) times their weight."""
        if self._positive_weight == "none":
            return values
        if self._positive is None:
            raise RuntimeError("weights of labels are not known yet: fit(targets, classes) comes first")
        return torch.where(yes, values * self._positive.to(values), values)
