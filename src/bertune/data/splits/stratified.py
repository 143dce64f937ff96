"""Split by chance, each class in its share."""

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import Field

from bertune.base.types import SPLITS, Ints
from bertune.data.splits._deal import deal


class Stratified:
    """Every class in the same shares in train, valid and test.

    A pure function of keys, labels, group membership and seed; the order of the rows does not matter.
    Rows of one group (near duplicates) never straddle.
    """

    needs_group = False

    def __init__(
        self,
        *,
        valid_share: Annotated[float, Ge(0), Le(0.45), Field(description="share of the rows for validation")] = 0.1,
        test_share: Annotated[float, Ge(0), Le(0.45), Field(description="share of the rows for the test")] = 0.1,
    ) -> None:
        self.shares = (1 - valid_share - test_share, valid_share, test_share)

    def __call__(self, keys: Sequence[str], labels: Ints, groups: Ints, seed: int) -> list[str]:
        """ "train", "valid" or "test" of each row; labels are class numbers, -1 where a row has none."""
        return [SPLITS[b] for b in deal(keys, labels, groups, self.shares, seed).tolist()]
