"""One of several texts a row."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from bertune.base.types import Batch, Level
from bertune.model.heads._head import Head
from bertune.model.packing import pad

ABSENT = -1e4  # the logit of a choice that a row does not have


class MultipleChoice(Head):
    """One number a text; the texts of a row are its choices, of which the highest is answered."""

    network: ClassVar[str] = "AutoModelForMultipleChoice"
    level: ClassVar[Level] = "text"

    @classmethod
    def outputs(cls, classes: Sequence[str]) -> Sequence[str] | int:
        """One: a text is one choice."""
        return 1

    def answers(self, network: Any, batch: Batch, pad_id: int) -> Tensor:
        """[texts, 1] in float32; each text goes through the network as a question with one choice."""
        given = {name: values[:, None] for name, values in pad(batch, pad_id).items()}
        logits: Tensor = network(**given).logits
        return logits.float()

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """[rows, most choices]; choices that a row does not have are hopeless."""
        rows = len(batch.rows)
        counts = torch.bincount(batch.owner, minlength=rows)
        place = torch.arange(batch.texts, device=answers.device) - (counts.cumsum(0) - counts)[batch.owner]
        found = torch.full((rows, int(counts.max())), ABSENT, device=answers.device)
        return found.index_put((batch.owner, place), answers[:, 0])
