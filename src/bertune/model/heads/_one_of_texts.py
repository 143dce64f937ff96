"""What the heads share that give each text of a row one number, the right one of a row to be the highest."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from bertune.base.types import Batch, Level
from bertune.model.heads._head import Head

ABSENT = -1e4  # the logit of a text that a row does not have


class OneOfTexts(Head):
    """One number a text; the texts of a row are beside each other when they are judged."""

    level: ClassVar[Level] = "text"

    @classmethod
    def outputs(cls, classes: Sequence[str]) -> Sequence[str] | int:
        """One: a text is one of several."""
        return 1

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """[rows, most texts]; those that a row does not have are hopeless."""
        rows = len(batch.rows)
        counts = torch.bincount(batch.owner, minlength=rows)
        place = torch.arange(batch.texts, device=answers.device) - (counts.cumsum(0) - counts)[batch.owner]
        found = torch.full((rows, int(counts.max())), ABSENT, device=answers.device)
        return found.index_put((batch.owner, place), answers[:, 0])
