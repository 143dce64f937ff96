"""One answer a token."""

from typing import Any, ClassVar

from torch import Tensor

from bertune.base.types import Batch, Level
from bertune.model.heads._head import Head
from bertune.model.packing import pad, real_tokens


class TokenClassification(Head):
    """One vector of numbers for each token, special tokens among them."""

    network: ClassVar[str] = "AutoModelForTokenClassification"
    level: ClassVar[Level] = "token"

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """logits[tokens, classes] in float32."""
        logits: Tensor = network(**pad(batch, pad_id)).logits
        return logits[real_tokens(batch)].float()
