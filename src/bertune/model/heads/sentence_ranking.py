"""Texts as vectors, the first of each row compared with all others of the batch."""

from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from annotated_types import Gt, Le
from torch import Tensor

from bertune.base.types import Batch
from bertune.model.heads._embedding import Embedding, first_texts

HOPELESS = -1e4  # the logit of a text that is none of the wrong ones


class SentenceRanking(Embedding):
    """A vector for each text; judged is each row's first text against the other texts of all rows of the batch.

    targets[texts, numbers] tell who belongs together, -1 being none: for the first text of a row the numbers of the
    texts that are right, its own second text first; for any other text its own number. Of each row one candidate is
    right; other right ones are hopeless, so that they count neither way, and of equal texts only one counts.
    Source: Henderson et al. (2017), Efficient natural language response suggestion, section 4.4 (multiple negatives).
    """

    compares_rows: ClassVar[bool] = True

    def __init__(self, *, scale: Annotated[float, Gt(0), Le(1000)] = 20.0) -> None:
        self.scale = scale

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """[rows, candidates]: cosines times the scale; candidates are all texts but the first of each row."""
        first, others = _parts(batch)
        vectors = F.normalize(answers, dim=1)
        with torch.autocast(answers.device.type, enabled=False):  # in half precision near texts are all alike
            logits = self.scale * vectors[first] @ vectors[others].T
        right, number = batch.targets[first], batch.targets[others, 0]
        belongs = (right[:, :, None] == number[None, None, :]).any(dim=1)
        again = (number[None, :] == number[:, None]).tril(-1).any(dim=1)  # an equal text stands before it
        own = torch.zeros_like(belongs)
        own[torch.arange(len(first), device=own.device), self.targets(batch)] = True
        return logits.masked_fill((belongs | again) & ~own, HOPELESS)

    def targets(self, batch: Batch) -> Tensor:
        """[rows]: where among the candidates the second text of each row stands."""
        first = first_texts(batch)
        return first - torch.arange(len(first), device=first.device)


def _parts(batch: Batch) -> tuple[Tensor, Tensor]:
    """The first text of each row, and all others, among the texts of the batch."""
    first = first_texts(batch)
    is_first = torch.zeros(batch.texts, dtype=torch.bool, device=first.device)
    is_first[first] = True
    return first, torch.nonzero(~is_first)[:, 0]
