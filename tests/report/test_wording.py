"""Numbers with their unit, as the terminal says them."""

import numpy as np
import pytest

from bertune.base.wording import counted


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 rows"), (1, "1 row"), (1204, "1,204 rows"), (np.int64(1_500_000), "1,500,000 rows"), (1.0, "1 row"),
     (0.5, "0.5 rows"), (3.0, "3 rows"), (np.float64(2.5), "2.5 rows")],
)  # fmt: skip
def test_a_number_with_its_unit(number: float, said: str) -> None:
    assert counted(number, "row") == said
