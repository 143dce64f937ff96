"""Every sampler is a pure function of classes, seed and epoch; broken specimens are refused."""

from typing import Any

import numpy as np
import pytest

from bertune.base import registry
from bertune.base.settings import build
from bertune.base.types import Ints

NAMES = registry.names("samplers")
CLASSES = np.random.default_rng(0).choice(3, 200, p=[0.7, 0.2, 0.1])


def made(name: str, **values: Any) -> Any:
    return build(registry.load("samplers", name), values=values)


def hold_contract(sampler: Any) -> None:
    """Fail unless rows are valid positions, pure of the arguments, shuffled anew, with every class shown."""
    np.random.seed(1)
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    rows = sampler.rows(CLASSES, 0, 0)
    assert np.random.get_state()[1].tolist() == before, "moves the global random state"  # type: ignore[index]
    np.random.seed(2)
    assert rows.tolist() == sampler.rows(CLASSES, 0, 0).tolist(), "not pure"
    assert rows.tolist() != sampler.rows(CLASSES, 0, 1).tolist(), "the same order each epoch"
    assert rows.tolist() != sampler.rows(CLASSES, 1, 0).tolist(), "does not see the seed"
    assert rows.dtype == np.int64
    assert rows.min() >= 0
    assert rows.max() < len(CLASSES)
    assert set(CLASSES[rows]) == set(CLASSES)
    assert len(sampler.rows(CLASSES[:0], 0, 0)) == 0


@pytest.mark.parametrize("name", NAMES)
def test_samplers_keep_the_contract(name: str) -> None:
    hold_contract(made(name))


def test_every_row_shows_every_row_once() -> None:
    assert sorted(made("every_row").rows(CLASSES, 3, 2).tolist()) == list(range(200))


@pytest.mark.parametrize("balance", [0.3, 0.5, 1.0])
def test_over_sampling_reaches_the_balance(balance: float) -> None:
    rows = made("over_sampling", balance=balance).rows(CLASSES, 0, 0)
    before, after = np.bincount(CLASSES), np.bincount(CLASSES[rows])
    assert after.tolist() == np.maximum(before, round(balance * before.max())).tolist()
    times = np.bincount(rows, minlength=200)
    for one in range(3):
        assert times[one == CLASSES].min() >= 1
        assert np.ptp(times[one == CLASSES]) <= 1


@pytest.mark.parametrize("balance", [0.3, 0.5, 1.0])
def test_under_sampling_reaches_the_balance_and_shows_all_rows_in_turn(balance: float) -> None:
    sampler = made("under_sampling", balance=balance)
    before = np.bincount(CLASSES)
    rows = sampler.rows(CLASSES, 0, 0)
    assert np.bincount(CLASSES[rows]).tolist() == np.minimum(before, round(before.min() / balance)).tolist()
    assert len(set(rows.tolist())) == len(rows)
    seen = np.concatenate([sampler.rows(CLASSES, 0, epoch) for epoch in range(12)])
    assert set(seen.tolist()) == set(range(200))


class Specimen:
    def rows(self, classes: Ints, seed: int, epoch: int) -> Ints:
        raise NotImplementedError


class GlobalState(Specimen):
    def rows(self, classes: Ints, seed: int, epoch: int) -> Ints:
        return np.random.permutation(len(classes))


class SameOrder(Specimen):
    def rows(self, classes: Ints, seed: int, epoch: int) -> Ints:
        return np.random.default_rng(seed).permutation(len(classes))


class LosesAClass(Specimen):
    def rows(self, classes: Ints, seed: int, epoch: int) -> Ints:
        return np.random.default_rng([seed, epoch]).permutation(np.flatnonzero(classes != 2))


@pytest.mark.parametrize("specimen", [GlobalState, SameOrder, LosesAClass])
def test_broken_specimens_are_refused(specimen: type[Specimen]) -> None:
    with pytest.raises(AssertionError):
        hold_contract(specimen())
