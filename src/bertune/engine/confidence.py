"""How probable a model found each row's given class while it learnt it: what is learnt late, or never, is suspect."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bertune.base.types import Batch, Floats, Terms
from bertune.model.packing import moved

Loss = Callable[[Tensor, Tensor], Terms]


class Confidence:
    """Sums over all updates of the probability that each row's class had just before the update learnt it.

    An update counts when it is made (`keep`), so that one that is broken off and made anew counts once. Of rows
    with one class each, in one process.
    Source: Swayamdipta et al. 2020, Dataset Cartography, eq. 1; Pleiss et al. 2020, Identifying Mislabeled Data using
    the Area Under the Margin Ranking, with the margin of logits in place of the probability.
    """

    def __init__(self, rows: int, device: torch.device) -> None:
        self.sums, self.counts = torch.zeros(rows, device=device), torch.zeros(rows, device=device)
        self._seen: list[tuple[Tensor, Tensor]] = []

    def begin(self) -> None:
        """Forget what was seen of an update that was not made."""
        self._seen.clear()

    def noting(self, loss: Loss, batch: Batch) -> Loss:
        """A loss that notes, beside, how probable the targets of a batch are."""
        rows = moved(torch.as_tensor(batch.rows), self.sums.device)

        def noted(logits: Tensor, targets: Tensor) -> Terms:
            chance = logits.detach().float().softmax(dim=1).gather(1, targets[:, None])[:, 0]
            self._seen.append((rows, chance.nan_to_num(0.0)))
            return loss(logits, targets)

        return noted

    def keep(self) -> None:
        """Count what the update that was just made has seen."""
        for rows, chance in self._seen:
            self.sums.index_add_(0, rows, chance)
            self.counts.index_add_(0, rows, torch.ones_like(chance))
        self._seen.clear()

    def mean(self) -> Floats:
        """The mean probability of each row's class [rows], NaN for rows that were never learnt."""
        sums, counts = self.sums.double().cpu().numpy(), self.counts.double().cpu().numpy()
        return np.asarray(np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0))

    def tensors(self) -> dict[str, Tensor]:
        """What a resume needs."""
        return {"sums": self.sums, "counts": self.counts}

    def load(self, tensors: dict[str, Tensor]) -> None:
        """Take over what `tensors` gave."""
        self.sums, self.counts = (tensors[name].to(self.sums.device) for name in ("sums", "counts"))
