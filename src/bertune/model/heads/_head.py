"""What the heads share."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from bertune.base.types import Batch, Floats, Level


class More(nn.Module):
    """What a head learns beside the network of transformers; `rate` is a factor on the learning rate."""

    rate: ClassVar[float] = 1.0


class Head:
    """How a network with a task's head answers packed texts.

    `network` names the class of transformers, `level` says what gets an answer: each "row", "text" or "token";
    `compares_rows` whether what is judged of a row depends on the others of its batch, so that a batch is judged as one
    even where memory holds only a part of it. `more` is what is learnt beside the network (None for most): it learns,
    is averaged, checkpointed and saved with it.
    """

    network: ClassVar[str]
    level: ClassVar[Level] = "row"
    compares_rows: ClassVar[bool] = False
    more: More | None = None

    @classmethod
    def outputs(cls, classes: Sequence[str]) -> Sequence[str] | int:
        """The names of the network's outputs for these classes, or how many there are where they have no names."""
        return classes or 1

    def learns(self, network: Any) -> More | None:
        """What is learnt beside a network, with its first values. Raises ModelError where that cannot be."""
        return None

    def told(self) -> Mapping[str, Floats]:
        """What a task needs of it to read the answers, as `Answers.more`."""
        return {}

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """values[items, numbers] in float32, the items in the order of the batch."""
        raise NotImplementedError

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """logits[judged, classes], as a loss reads them."""
        return answers

    def targets(self, batch: Batch) -> Tensor:
        """The targets beside them: one entry for each of `judged`."""
        return batch.targets

    def files(self, network: Any, max_length: int) -> Mapping[str, Any]:
        """JSON files, by their paths, that other programs look for beside the saved network."""
        return {}
