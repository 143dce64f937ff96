"""Where an answer begins and ends."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from bertune.base.types import Batch, Level
from bertune.model.heads._head import Head
from bertune.model.packing import packed, pad, places_of, sizes_in

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
        return packed(torch.stack([out.start_logits, out.end_logits], dim=2), batch).float()

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """[2 texts, longest]: the starts of each text over its tokens, then the ends."""
        sizes = sizes_in(batch)
        longest = max(sizes, default=0)
        places = places_of(sizes, longest, answers.device)
        if places is None:
            return answers.T.reshape(-1, longest)
        found = answers.new_full((2, batch.texts * longest), ABSENT)
        return found.index_copy(1, places, answers.T).view(-1, longest)

    def targets(self, batch: Batch) -> Tensor:
        """[2 texts]: the places of all starts, then of all ends."""
        return batch.targets.T.reshape(-1)
