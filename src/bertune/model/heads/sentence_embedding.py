"""Texts as vectors, two of a row compared."""

import torch.nn.functional as F
from torch import Tensor

from bertune.base.types import Batch
from bertune.model.heads._embedding import Embedding, first_texts


class SentenceEmbedding(Embedding):
    """A vector for each text; judged is the cosine of the two texts of a row."""

    def judged(self, answers: Tensor, batch: Batch) -> Tensor:
        """[rows, 1]: the cosine of the first two texts of each row, in [-1, 1]."""
        first = first_texts(batch)
        return F.cosine_similarity(answers[first], answers[first + 1])[:, None]
