"""What the heads share."""

from typing import Any, ClassVar

from torch import Tensor

from bertune.base.types import Batch, Level


class Head:
    """How a network with a task's head answers packed texts.

    `network` names the class of transformers, `level` says what gets an answer: each "row", "text" or "token";
    `outputs` the numbers of an answer where these are not one a class.
    """

    network: ClassVar[str]
    level: ClassVar[Level] = "row"
    outputs: ClassVar[int | None] = None

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """values[items, numbers] in float32, the items in the order of the batch."""
        raise NotImplementedError

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """logits[judged, classes], as a loss reads them."""
        return answers

    def targets(self, batch: Batch) -> Tensor:
        """The targets beside them: one entry for each of `judged`."""
        return batch.targets
