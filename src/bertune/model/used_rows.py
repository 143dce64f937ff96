"""A smaller embedding table while a model learns: the rows that the texts of the run use, and no others.

Rows of tokens that occur nowhere get no gradient, so Adam and its kin never move them; computing their update, norm
and average is half of all the optimizer's work on a small model. They are taken out before training and put back
after it, as they were. Only their weight decay, which acts on nothing that the run can see, is left out.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bertune.model.encoder import Model

# Architectures whose code reads token numbers only to look them up, and perhaps to compare them with the padding's
# number, which stays what it is.
SAFE = frozenset(
    ("albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "ernie", "modernbert", "mpnet",
     "rembert", "roberta", "xlm-roberta")
)  # fmt: skip
PORTION = 2**22  # token numbers looked at in one go


class UsedRows:
    """Which rows of the embedding table are used, and the exchange of the whole table for them.

    `renumber[old number]` is a token's number in the small table; the padding token keeps its own.
    """

    def __init__(self, table: nn.Embedding, used: NDArray[np.bool_]) -> None:
        self.table, self.whole = table, table.weight
        self.rows = torch.from_numpy(np.flatnonzero(used))
        self.renumber = (np.cumsum(used) - 1).astype(np.int32)

    @property
    def sizes(self) -> tuple[int, int]:
        """Rows of the small table, and of the whole one."""
        return len(self.rows), len(self.whole)

    def take_out(self) -> None:
        """Leave the model with the used rows alone, as a parameter of their own."""
        small: Tensor = self.whole.detach()[self.rows.to(self.whole.device)].clone()
        self.table.weight = nn.Parameter(small, requires_grad=self.whole.requires_grad)
        self.table.num_embeddings = len(small)

    def put_back(self) -> None:
        """Give the model its whole table again, the used rows as they are now."""
        with torch.no_grad():
            self.whole[self.rows.to(self.whole.device)] = self.table.weight.detach()
        self.table.weight = self.whole
        self.table.num_embeddings = len(self.whole)


def used_rows(model: Model, ids: Iterable[NDArray[Any]]) -> UsedRows | None:
    """The rows that some arrays of token numbers use; None where the table must stay whole.

    It must where the architecture is not known to be safe, where the table is frozen, or where nothing is saved.
    """
    table = model.network.get_input_embeddings()
    kind = getattr(model.network.config, "model_type", "")
    if kind not in SAFE or type(table) is not nn.Embedding or not table.weight.requires_grad:
        return None
    used = np.zeros(table.num_embeddings, dtype=bool)
    used[: model.pad_id + 1] = True  # so that the padding token's number does not change
    for array in ids:
        for start in range(0, len(array), PORTION):
            used[array[start : start + PORTION]] = True
    return UsedRows(table, used) if used.mean() < 0.9 else None
