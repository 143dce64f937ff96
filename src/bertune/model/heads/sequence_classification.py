"""One answer a row."""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from bertune.base.types import Batch
from bertune.model.heads._attention import WindowAttention, attention_of, weighed, with_states
from bertune.model.heads._head import Head, More
from bertune.model.packing import pad, portions


class SequenceClassification(Head):
    """One vector of numbers a row, read off the first token; of a row with several texts their mean, the highest, or
    a mean whose weights are learnt."""

    network: ClassVar[str] = "AutoModelForSequenceClassification"

    def __init__(self, *, pooling: Literal["mean", "max", "attention"] = "mean") -> None:
        self.pooling = pooling

    def learns(self, network: Any) -> More | None:
        """How much each text of a row says. Raises ModelError where the network has no states to tell it by."""
        return attention_of(network) if self.pooling == "attention" else None

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """logits[rows, classes] in float32."""
        rows = len(batch.rows)
        if batch.texts == rows:
            whole: Tensor = network(**pad(batch, pad_id)).logits.float()
            return whole
        if isinstance(self.more, WindowAttention):
            parts = [with_states(network, pad(part, pad_id)) for part in portions(batch)]
            logits, states = (torch.cat(values) for values in zip(*parts, strict=True))
            return weighed(logits, self.more(states), batch.owner, rows)
        logits = torch.cat([network(**pad(part, pad_id)).logits.float() for part in portions(batch)])
        if self.pooling == "max":
            lowest = torch.full((rows, logits.shape[1]), -torch.inf, device=logits.device)
            return lowest.scatter_reduce(0, batch.owner[:, None].expand_as(logits), logits, "amax")
        summed = torch.zeros(rows, logits.shape[1], device=logits.device).index_add(0, batch.owner, logits)
        return summed / torch.bincount(batch.owner, minlength=rows)[:, None]
