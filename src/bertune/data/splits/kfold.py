"""One fold of a stratified k-fold cross-validation."""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from pydantic import Field

from bertune.base.seeds import derive
from bertune.base.types import SPLITS, Ints
from bertune.data.splits._deal import deal


class Kfold:
    """One fold as the test set, the rest for training and validation; over all folds every row is tested once.

    A pure function of keys, labels, group membership and seed; the order of the rows does not matter.
    Rows of one group never straddle. `fold` counts from 0 and must be below `folds`.
    """

    needs_group = False

    def __init__(
        self,
        *,
        folds: Annotated[int, Ge(2), Le(100), Field(description="parts of which each is tested once")] = 5,
        fold: Annotated[int, Ge(0), Le(99), Field(description="the part for the test, from 0")] = 0,
        valid_share: Annotated[float, Ge(0), Le(0.45), Field(description="share of the rest for validation")] = 0.1,
    ) -> None:
        if fold >= folds:
            raise ValueError(f"fold {fold} of {folds} folds; expected at most {folds - 1}")
        self.folds, self.fold, self.valid_share = folds, fold, valid_share

    def __call__(self, keys: Sequence[str], labels: Ints, groups: Ints, seed: int) -> list[str]:
        """ "train", "valid" or "test" of each row; labels are class numbers, -1 where a row has none."""
        folds = deal(keys, labels, groups, [1 / self.folds] * self.folds, seed)
        rest = np.flatnonzero(folds != self.fold)
        bins = np.full(len(keys), SPLITS.index("test"))
        shares = (1 - self.valid_share, self.valid_share)
        inner = derive(seed, "valid", self.fold)
        bins[rest] = deal([keys[i] for i in rest.tolist()], labels[rest], groups[rest], shares, inner)
        return [SPLITS[b] for b in bins.tolist()]
