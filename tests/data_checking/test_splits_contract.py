"""Every split is a pure function of keys and seed and keeps groups whole; broken specimens are refused."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.seeds import generator
from bertune.base.settings import build
from bertune.base.types import SPLITS, Ints

NAMES = registry.names("splits")
Split = Callable[[Sequence[str], Ints, Ints, int], list[str]]


def made(name: str, **values: Any) -> Split:
    return build(registry.load("splits", name), values=values)  # type: ignore[no-any-return]


def keys_of(rows: int) -> list[str]:
    return [f"a.csv:{i + 1}" for i in range(rows)]


def hold_contract(split: Split, labels: Ints, groups: Ints, seed: int) -> None:
    """Fail unless the split names each row, is pure, does not see the order of rows and keeps groups whole."""
    keys = keys_of(len(labels))
    names = split(keys, labels, groups, seed)
    assert len(names) == len(keys)
    assert set(names) <= set(SPLITS)
    assert names == split(keys, labels, groups, seed), "not pure"
    order = generator(seed, "test").permutation(len(keys))
    renumbered = (groups * 5 + 1) % 1_000_003  # other numbers for the same groups
    mixed = split([keys[i] for i in order], labels[order], renumbered[order], seed)
    assert [names[i] for i in order] == mixed, "the order of the rows matters"
    for group in np.unique(groups):
        assert len({names[i] for i in np.flatnonzero(groups == group)}) == 1, "a group straddles"


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(-1, 4), st.integers(0, 30)), max_size=60),
    seed=st.integers(0, 5),
)
def test_splits_keep_the_contract(name: str, rows: list[tuple[int, int]], seed: int) -> None:
    labels = np.array([label for label, _ in rows], dtype=np.int64)
    hold_contract(made(name), labels, np.array([group for _, group in rows], dtype=np.int64), seed)


@pytest.mark.parametrize("name", ["stratified", "grouped"])
@settings(max_examples=60, deadline=None)
@given(counts=st.lists(st.integers(1, 60), min_size=1, max_size=12), seed=st.integers(0, 3))
def test_shares_are_exact_to_a_row_in_every_class(name: str, counts: list[int], seed: int) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    names = np.array(made(name)(keys_of(len(labels)), labels, np.arange(len(labels)), seed))
    for label, count in enumerate(counts):
        got = {s: int(np.count_nonzero(names[labels == label] == s)) for s in SPLITS}
        assert got["train"] >= 1
        if count >= 3:
            assert min(got.values()) >= 1
        for split, share in (("valid", 0.1), ("test", 0.1)):
            assert abs(got[split] - share * count) <= 1


@pytest.mark.parametrize("name", ["stratified", "grouped"])
def test_many_small_classes_keep_the_shares(name: str) -> None:
    labels = np.repeat(np.arange(77), 13)
    names = np.array(made(name)(keys_of(len(labels)), labels, np.arange(len(labels)), 0))
    assert abs(np.mean(names == "valid") - 0.1) < 0.01
    assert abs(np.mean(names == "test") - 0.1) < 0.01


def test_groups_keep_shares_and_classes_close() -> None:
    random = np.random.default_rng(0)
    groups = random.integers(0, 100, 3000)
    labels = (random.random(3000) < 0.2 + 0.4 * (groups % 2)).astype(np.int64)
    names = np.array(made("grouped")(keys_of(3000), labels, groups, 0))
    for split, share in zip(SPLITS, (0.8, 0.1, 0.1), strict=True):
        assert abs(np.mean(names == split) - share) < 0.02
        assert abs(labels[names == split].mean() - labels.mean()) < 0.05


def test_every_row_is_tested_in_one_fold() -> None:
    labels = np.repeat([0, 1, 2], [40, 30, 9])
    groups = np.arange(79) // 2
    folds = [made("kfold", folds=4, fold=k)(keys_of(79), labels, groups, 1) for k in range(4)]
    assert all(sum(names[i] == "test" for names in folds) == 1 for i in range(79))
    for names in folds:
        assert {"train", "valid", "test"} == {n for n, label in zip(names, labels, strict=True) if label == 2}


def test_a_class_of_groups_only_is_in_every_split() -> None:
    labels = np.repeat([0, 1], [300, 12])
    names = np.array(made("stratified")(keys_of(312), labels, np.arange(312) // 3, 0))
    assert {str(n) for n in names[labels == 1]} == set(SPLITS)
    assert abs(np.mean(names == "test") - 0.1) < 0.02


def test_a_fold_beyond_the_last_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 3"):
        made("kfold", folds=4, fold=4)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_differ(name: str) -> None:
    labels, groups = np.zeros(100, dtype=np.int64), np.arange(100)
    assert made(name)(keys_of(100), labels, groups, 0) != made(name)(keys_of(100), labels, groups, 1)


def test_shares_can_be_nothing() -> None:
    split = made("stratified", valid_share=0.2, test_share=0.0)
    names = split(keys_of(50), np.zeros(50, dtype=np.int64), np.arange(50) // 3, 0)
    assert "test" not in names
    assert 8 <= names.count("valid") <= 12


def by_position(keys: Sequence[str], labels: Ints, groups: Ints, seed: int) -> list[str]:
    first: dict[int, int] = {}
    return [SPLITS[first.setdefault(int(g), i) % 3] for i, g in enumerate(groups)]


def by_key(keys: Sequence[str], labels: Ints, groups: Ints, seed: int) -> list[str]:
    return [SPLITS[int(key.rpartition(":")[2]) % 3] for key in keys]


def by_group_number(keys: Sequence[str], labels: Ints, groups: Ints, seed: int) -> list[str]:
    return [SPLITS[int(g) % 3] for g in groups]


def by_chance(keys: Sequence[str], labels: Ints, groups: Ints, seed: int) -> list[str]:
    names = np.random.default_rng().choice(SPLITS, int(groups.max()) + 1)
    return [str(names[g]) for g in groups]


@pytest.mark.parametrize("specimen", [by_position, by_key, by_group_number, by_chance])
def test_broken_specimens_are_refused(specimen: Split) -> None:
    with pytest.raises(AssertionError):
        hold_contract(specimen, np.zeros(60, dtype=np.int64), np.arange(60) // 2, 0)
