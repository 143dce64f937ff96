"""Dealing rows into bins of given shares, class by class and group by group: the shared work of all splits.

Every choice comes from sorted hashes of the keys, so the result is a pure function of (key, label, group membership,
seed) and does not change with the order of the rows.
"""

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray
from pydantic import Field

from bertune.base.seeds import derive
from bertune.base.types import SPLITS, Floats, Ints

Hashes = NDArray[np.uint64]


class Shares:
    """Three splits of given shares; a pure function of keys, labels, group membership and seed."""

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


def deal(keys: Sequence[str], labels: Ints, groups: Ints, shares: Sequence[float], seed: int) -> Ints:
    """The bin of each row, as an index into `shares` (which sum to 1).

    Each class is dealt to its share within one row when all groups are single rows, and is in every bin when it has
    as many rows as there are bins of a positive share. Rows with the same number in `groups` share a bin: groups of
    several rows go first, the largest ones ahead, each to the bin that lacks most of its classes; single rows then
    fill the rest exactly. Rows without a label (-1) count as a class.
    """
    if not len(keys):
        return np.zeros(0, dtype=np.int64)
    classes, label = np.unique(np.asarray(labels), return_inverse=True)
    hashes = np.array([derive(seed, "split", key) for key in keys], dtype=np.uint64)
    _, group, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    counts = np.bincount(label, minlength=len(classes))
    quota = quotas(counts, shares)
    wanted = quota > 0
    bins = np.full(len(keys), -1, dtype=np.int64)
    _deal_groups(bins, hashes, label, group, sizes, quota, np.asarray(shares))
    _deal_singles(bins, hashes, label, quota)
    _fill_empty(bins, hashes, label, group, wanted)
    return bins


def quotas(counts: Ints, shares: Sequence[float]) -> Ints:
    """Rows of each class due to each bin, [classes, bins]: the exact share rounded down or up.

    What rounding takes from a bin in one class is given back in a later one, so the bins keep their share over many
    small classes. The largest bin gets at least one row of a class, and all bins do where the rows suffice.
    """
    share = np.asarray(shares, dtype=np.float64)
    exact = counts[:, None] * share
    quota = np.floor(exact + 1e-9).astype(np.int64)
    owed = np.zeros(len(share))
    for row, (count, due) in enumerate(zip(counts.tolist(), exact, strict=True)):
        owed += due - quota[row]
        left = count - int(quota[row].sum())
        fraction = due - quota[row] > 1e-9
        order = np.argsort(-np.where(fraction, owed, -np.inf), kind="stable")
        for bin_ in order[:left]:
            quota[row, bin_] += 1
            owed[bin_] -= 1
        _at_least_one(quota[row], share, owed)
    return quota


def _at_least_one(quota: Ints, share: Floats, owed: Floats) -> None:
    """Move single rows from the fullest bin into empty ones, where there are enough rows."""
    wanted = np.flatnonzero(share > 0)
    if quota.sum() < len(wanted):
        wanted = wanted[share[wanted] > 0.5]
    for bin_ in wanted[quota[wanted] == 0]:
        fullest = int(np.argmax(quota))
        quota[fullest] -= 1
        quota[bin_] += 1
        owed[fullest] += 1
        owed[bin_] -= 1


def _deal_groups(
    bins: Ints, hashes: Hashes, label: Ints, group: Ints, sizes: Ints, quota: Ints, shares: Floats
) -> None:
    """Put every group of several rows into the bin that lacks most of it; takes the rows off `quota`.

    The cost of a bin is the sum over classes of (placed - due)^2 / due; a group goes where it lowers the cost most.
    """
    rows = np.flatnonzero(sizes[group] > 1)
    if not len(rows):
        return
    smallest = np.full(len(sizes), np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(smallest, group, hashes)
    rows = rows[np.lexsort((hashes[rows], smallest[group[rows]], -sizes[group[rows]]))]
    starts = np.flatnonzero(np.diff(group[rows], prepend=-1))
    due = np.maximum(quota, 0.5).tolist()
    lacking = quota.tolist()
    open_bins = np.flatnonzero(shares > 0).tolist()
    labels_of = label[rows].tolist()
    for start, end in zip(starts.tolist(), [*starts[1:].tolist(), len(rows)], strict=True):
        held: dict[int, int] = {}
        for one in labels_of[start:end]:
            held[one] = held.get(one, 0) + 1
        chosen = min(open_bins, key=lambda b: sum(n * (n - 2 * lacking[c][b]) / due[c][b] for c, n in held.items()))
        for one, number in held.items():
            lacking[one][chosen] -= number
        bins[rows[start:end]] = chosen
    quota[:] = lacking


def _deal_singles(bins: Ints, hashes: Hashes, label: Ints, quota: Ints) -> None:
    """Fill what is still due of each class with its single rows in the order of their hashes."""
    rows = np.flatnonzero(bins < 0)
    rows = rows[np.lexsort((hashes[rows], label[rows]))]
    due = np.maximum(quota, 0)
    singles = np.bincount(label[rows], minlength=len(quota))
    for one, number in enumerate(singles.tolist()):
        excess = int(due[one].sum()) - number
        while excess > 0:
            fullest = int(np.argmax(due[one]))
            less = max(1, min(excess, int(due[one, fullest]) - int(np.partition(due[one], -2)[-2])))
            due[one, fullest] -= less
            excess -= less
    bins[rows] = np.repeat(np.tile(np.arange(quota.shape[1]), len(quota)), due.ravel())


def _fill_empty(bins: Ints, hashes: Hashes, label: Ints, group: Ints, wanted: NDArray[np.bool_]) -> None:
    """Give a bin that should hold a class and holds none the smallest group of it that another bin can spare.

    Only groups of that one class are moved, from the bin with most of it, and never more than half of what is there.
    """
    held = np.zeros(wanted.shape, dtype=np.int64)
    np.add.at(held, (label, bins), 1)
    for one, bin_ in np.argwhere(wanted & (held == 0)).tolist():
        donor = int(held[one].argmax())
        rows = np.flatnonzero((label == one) & (bins == donor))
        mixed = np.unique(group[label != one])
        units, first, sizes = np.unique(group[rows], return_inverse=True, return_counts=True)
        smallest = np.full(len(units), np.iinfo(np.uint64).max, dtype=np.uint64)
        np.minimum.at(smallest, first, hashes[rows])
        free = np.flatnonzero(~np.isin(units, mixed) & (2 * sizes <= held[one, donor]))
        if len(free):
            unit = free[np.lexsort((smallest[free], sizes[free]))[0]]
            bins[rows[first == unit]] = bin_
            held[one, donor] -= sizes[unit]
            held[one, bin_] += sizes[unit]
