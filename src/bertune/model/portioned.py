"""A batch that is judged as one, its texts answered in portions that fit in memory."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from bertune.base.types import Batch
from bertune.model.encoder import Model
from bertune.model.packing import joined


class Portioned(Model):
    """A model for one batch, `whole`, that lies before it in portions.

    Loss and gradient are those of the whole batch: of each portion only the answers are kept, and when their gradient
    is known it is computed once more, with the same dropout. Memory is that of one portion, time that of two forward
    passes. `poll` is called before each portion and may raise.
    Source: Gao et al. (2021), Scaling deep contrastive learning batch size under memory limited setup (GradCache);
    here by torch's checkpointing of each portion, which is the same computation.
    """

    def __init__(self, model: Model, portions: Sequence[Batch], poll: Callable[[], None] = lambda: None) -> None:
        super().__init__(model.network, model.pad_id, model.head)
        self.portions, self.poll, self.whole = portions, poll, joined(portions)

    def answers(self, batch: Batch) -> Tensor:
        """What is answered to the whole batch, as one model in one pass would answer it."""
        return torch.cat([self._portion(part) for part in self.portions])

    def _portion(self, part: Batch) -> Tensor:
        self.poll()
        # The ids are an argument of their own: checkpoint looks at tensors to know whose random state to keep.
        found: Tensor = checkpoint(self._encoded, part.ids, part, use_reentrant=False)
        return found

    def _encoded(self, ids: Tensor, part: Batch) -> Tensor:
        return super().answers(replace(part, ids=ids))
