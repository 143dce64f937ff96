"""A chain of tags: how likely one tag follows another, learnt beside the scores of each word."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from bertune.base.errors import ModelError
from bertune.base.types import Batch, Floats
from bertune.model.heads._head import More
from bertune.model.packing import moved

MOST_TAGS = 1000  # a table of all pairs, computed for every word


class Chain(More):
    """A linear chain over the tags of a row: start[tags], transition[from, to] and end[tags], all 0 at first.

    They learn at 100 times the rate of the network: each is one number that must move as far as a whole head's scores,
    which a rate that suits pretrained weights never lets it.
    Source: Lafferty et al. (2001), Conditional random fields; on a network Lample et al. (2016), section 2.2.
    """

    rate: ClassVar[float] = 100.0

    def __init__(self, tags: int) -> None:
        super().__init__()
        if tags > MOST_TAGS:
            raise ModelError(
                "there are too many tags for a chain.", expected=f"at most {MOST_TAGS:,}", found=f"{tags:,}",
                next_move="--set task.crf=false",
            )  # fmt: skip
        self.start, self.end = nn.Parameter(torch.zeros(tags)), nn.Parameter(torch.zeros(tags))
        self.transition = nn.Parameter(torch.zeros(tags, tags))

    def told(self) -> Mapping[str, Floats]:
        """The three tables as numbers."""
        return {name: p.detach().cpu().double().numpy() for name, p in self.named_parameters()}

    def forward(self, scores: Tensor, batch: Batch) -> Tensor:
        """logits[tokens, tags] from scores[tokens, tags]: of a tagged word, given the true tag of the word before it.

        log softmax(logits)[target] is log p(tag | tags before, scores), so a row's cross-entropies add up to the
        negative log-likelihood of its whole sequence of tags. The words of a row are one sequence in whatever windows
        they stand. Tokens without a target keep their scores.
        """
        asked = (batch.targets >= 0).nonzero()[:, 0]  # a target below 0 is none
        if not len(asked):
            return scores
        owner = batch.owner.repeat_interleave(
            moved(batch.starts.diff(), batch.owner.device), output_size=len(batch.ids)
        )[asked]
        _, row, count = torch.unique_consecutive(owner, return_inverse=True, return_counts=True)
        within = torch.arange(len(asked), device=scores.device) - (count.cumsum(0) - count)[row]
        # Rows end together, at the right: so the way back needs no mask, and what lies left of a row is never read.
        place = int(count.max()) - count[row] + within
        laid = scores.new_zeros(len(count), int(count.max()), scores.shape[1]).index_put((row, place), scores[asked])
        tags = batch.targets[asked]
        before = self.transition[tags.roll(1)]
        reached = torch.where((within == 0)[:, None], self.start, before)
        return scores.index_put((asked,), self._onwards(laid)[row, place] + reached)

    def _onwards(self, laid: Tensor) -> Tensor:
        """For laid scores [rows, words, tags]: the score of each tag of a word with all that may follow it."""
        onwards = [laid[:, -1] + self.end]
        for word in range(laid.shape[1] - 2, -1, -1):
            onwards.append(laid[:, word] + torch.logsumexp(self.transition + onwards[-1][:, None, :], dim=2))
        return torch.stack(onwards[::-1], dim=1)
