"""One answer a row."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from bertune.base.types import Batch
from bertune.model.heads._head import Head
from bertune.model.packing import pad


class SequenceClassification(Head):
    """One vector of numbers a row, read off the first token; of a row with several texts their mean."""

    network: ClassVar[str] = "AutoModelForSequenceClassification"

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """logits[rows, classes] in float32."""
        logits: Tensor = network(**pad(batch, pad_id)).logits.float()
        rows = len(batch.rows)
        if batch.texts == rows:
            return logits
        summed = torch.zeros(rows, logits.shape[1], device=logits.device).index_add(0, batch.owner, logits)
        return summed / torch.bincount(batch.owner, minlength=rows)[:, None]
