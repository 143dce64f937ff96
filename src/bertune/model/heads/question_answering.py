"""Where an answer begins and ends."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from bertune.base.types import Batch, Level
from bertune.model.heads._head import Head
from bertune.model.packing import pad, real_tokens

ABSENT = -1e4  # the logit of a place beyond the end of a text


class QuestionAnswering(Head):
    """Two numbers for each token: how likely the answer begins there, and ends there."""

    network: ClassVar[str] = "AutoModelForQuestionAnswering"
    level: ClassVar[Level] = "token"

    @classmethod
    def outputs(cls, classes: Sequence[str]) -> Sequence[str] | int:
        """Two: start and end."""
        return 2

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """[tokens, 2] in float32: start and end."""
        out = network(**pad(batch, pad_id))
        real = real_tokens(batch)
        return torch.stack([out.start_logits[real], out.end_logits[real]], dim=1).float()

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """[2 texts, longest]: the starts of each text over its tokens, then the ends."""
        real = real_tokens(batch)
        found = torch.full((2, *real.shape), ABSENT, device=answers.device)
        found[:, real] = answers.T
        return found.reshape(-1, real.shape[1])

    def targets(self, batch: Batch) -> Tensor:
        """[2 texts]: the places of all starts, then of all ends."""
        return batch.targets.T.reshape(-1)
