"""The truncation ledger: what a length limit cuts away, and the length to choose."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bertune.base.types import Ints

CUT_SHARE = 0.005  # a chosen length cuts at most this share of the texts
STEP = 8  # a chosen length is a multiple of this: matrix units like it
PERCENTILES = (50, 90, 95, 99, 100)


@dataclass(frozen=True)
class TruncationLedger:
    """What is lost at one length: texts, tokens, and the length at which nothing would be.

    Lengths are in tokens, special tokens included; shares are from 0 to 1; `percentiles` are lengths.
    """

    max_length: int
    rows: int
    rows_cut: int
    share_rows_cut: float
    tokens: int
    tokens_cut: int
    share_tokens_cut: float
    length_that_cuts_none: int
    percentiles: Mapping[int, int]

    def as_json(self) -> dict[str, Any]:
        """The ledger as it stands in a run folder."""
        return asdict(self) | {"percentiles": {str(k): v for k, v in self.percentiles.items()}}


def ledger(lengths: Ints, max_length: int, lost: Ints | None = None) -> TruncationLedger:
    """The ledger for texts of these lengths in tokens; `lost` tokens of each are not read, those beyond `max_length`
    where nobody says."""
    lost = np.maximum(lengths - max_length, 0) if lost is None else lost
    over = lost[lost > 0]
    rows, tokens = len(lengths), int(lengths.sum())
    ranked = np.percentile(lengths, PERCENTILES, method="higher") if rows else np.zeros(len(PERCENTILES))
    return TruncationLedger(
        max_length=max_length,
        rows=rows,
        rows_cut=len(over),
        share_rows_cut=len(over) / rows if rows else 0.0,
        tokens=tokens,
        tokens_cut=int(over.sum()),
        share_tokens_cut=int(over.sum()) / tokens if tokens else 0.0,
        length_that_cuts_none=int(lengths.max(initial=0)),
        percentiles={p: int(v) for p, v in zip(PERCENTILES, ranked, strict=True)},
    )


def choose_length(lengths: Ints, limit: int) -> int:
    """The smallest multiple of STEP that cuts at most CUT_SHARE of the texts, and never above `limit`."""
    if not len(lengths):
        return min(STEP, limit)
    may_be_cut = int(CUT_SHARE * len(lengths))
    needed = int(np.sort(lengths)[len(lengths) - 1 - may_be_cut])
    return min(max(1, -(-needed // STEP)) * STEP, limit)
