"""One answer for two marked places of a text."""

from collections.abc import Sequence
from typing import Any, ClassVar

from torch import Tensor

from bertune.base.types import Batch
from bertune.model.heads._head import Head
from bertune.model.packing import packed, pad

FIRST, SECOND = 1, 2  # bits of beside["marker"]


class EntityPair(Head):
    """One number a class, read off two tokens: a part at the first, a part at the second.

    beside["marker"][tokens] has the bit 1 at the first of the two and the bit 2 at the second, once in each text.
    The sum is that of one linear layer over both states side by side.
    Source: Baldini Soares et al. (2019), Matching the Blanks, section 3.2 (entity start state).
    """

    network: ClassVar[str] = "AutoModelForTokenClassification"

    @classmethod
    def outputs(cls, classes: Sequence[str]) -> Sequence[str] | int:
        """Each class at the first token, then each at the second."""
        return [f"{name} @e{place}" for place in (1, 2) for name in classes]

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """logits[rows, classes] in float32."""
        logits: Tensor = network(**pad(batch, pad_id)).logits
        parts, marker = packed(logits, batch).float(), batch.beside["marker"]
        classes = parts.shape[1] // 2
        return parts[(marker & FIRST) > 0, :classes] + parts[(marker & SECOND) > 0, classes:]
