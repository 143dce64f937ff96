"""Cross-entropy with class weights."""

from typing import Annotated, Literal

import torch
from annotated_types import Ge
from pydantic import Field
from torch import Tensor

from bertune.base.errors import Problem, RecipeError
from bertune.losses._weighing import Weighing, balanced

Weight = Annotated[float, Ge(0)]


class Weighted(Weighing):
    """Cross-entropy in which rare classes count for more, or each class as much as it is told to.

    inverse: weight 1 / rows of the class, so that all classes count alike in sum (scikit-learn's "balanced");
    inverse_sqrt: the root of that, milder. Rows are averaged by weight, as torch.nn.CrossEntropyLoss(weight) does.
    Raises RecipeError when there are not as many weights as classes, or none above 0 for a class with rows.
    Source: King and Zeng 2001 (inverse); Mahajan et al. 2018, section 2.2 (root).
    """

    def __init__(
        self,
        *,
        weights: Annotated[
            Literal["inverse", "inverse_sqrt"] | tuple[Weight, ...],
            Field(description="rule by class size, or one weight per class in the order of the classes"),
        ] = "inverse",
    ) -> None:
        self._weights = weights

    def weights_of(self, counts: Tensor) -> Tensor:
        """One weight per class: by the rule, with mean 1 over the classes that have rows, or as given."""
        if self._weights == "inverse":
            return balanced(counts, 1.0 / counts)
        if self._weights == "inverse_sqrt":
            return balanced(counts, counts.rsqrt())
        given = torch.tensor(self._weights, dtype=torch.float64)
        if len(given) != len(counts):
            text = f"found {len(given)} weights; expected {len(counts)}, one per class in the order of the classes"
            raise RecipeError([Problem("loss.weights", text)])
        if not (given * counts).sum() > 0:
            raise RecipeError(
                [Problem("loss.weights", "every class with training rows weighs 0; expected one above 0")]
            )
        return given
