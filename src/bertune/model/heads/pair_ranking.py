"""Several pairs of texts a row, one of them right."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from bertune.base.types import Batch
from bertune.model.heads._one_of_texts import OneOfTexts
from bertune.model.packing import pad, portions


class PairRanking(OneOfTexts):
    """One number a pair of texts, read together: how well they belong together, among the pairs of a row.

    The network is one of a single output, as other programs have it for cross-encoders.
    Source: Gao et al. (2021), Rethink training of BERT rerankers in multi-stage retrieval pipeline, section 3
    (localized contrastive estimation).
    """

    network: ClassVar[str] = "AutoModelForSequenceClassification"

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """[texts, 1] in float32."""
        return torch.cat([network(**pad(part, pad_id)).logits.float() for part in portions(batch)])
