"""Split whole groups, such as all texts of one customer."""

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import Field

from bertune.base.types import SPLITS, Ints
from bertune.data.splits._deal import deal


class Grouped:
    """Rows with the same value of a column stay together; shares and classes as close as the groups allow.

    A pure function of keys, labels, group membership and seed; the order of the rows does not matter. `groups` are
    the values of the group column joined with the near-duplicate groups.
    """

    needs_group = True

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
