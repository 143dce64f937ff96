"""Confident learning finds planted wrong labels, as its reference does, and never judges a row by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.base.types import Floats, Ints
from bertune.evaluate.suspects import assign_folds, cross_validated, out_of_sample, suspects, words_cross_validated


def clusters(rows: int, classes: int, flips: int, seed: int = 0) -> tuple[Floats, Ints, Ints, Ints]:
    """Features, true classes, given classes, and the rows whose class was flipped."""
    random = np.random.default_rng(seed)
    true = random.integers(0, classes, rows)
    features = 3.0 * random.normal(size=(classes, 16))[true] / 2 + random.normal(size=(rows, 16))
    given = true.copy()
    flipped = random.choice(rows, flips, replace=False)
    given[flipped] = (true[flipped] + random.integers(1, classes, flips)) % classes
    return features, true, given, flipped


def test_planted_flips_come_first() -> None:
    features, true, labels, flipped = clusters(1200, 5, 80)
    found = suspects(cross_validated(features, labels, 5, 0), labels)
    top = found[:50]
    assert np.mean([s.row in set(flipped.tolist()) for s in top]) >= 0.96
    assert np.mean([s.suggested == true[s.row] for s in top]) >= 0.96
    assert all(s.given == labels[s.row] != s.suggested for s in found)
    assert [s.score for s in found] == sorted(s.score for s in found)


def test_clean_labels_raise_few_suspects() -> None:
    features, _, labels, _ = clusters(800, 4, 0)
    assert len(suspects(cross_validated(features, labels, 4, 0), labels)) <= 8


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_equals_cleanlab(seed: int, classes: int) -> None:
    find = pytest.importorskip("cleanlab.filter").find_label_issues
    random = np.random.default_rng(seed)
    chance = random.dirichlet(np.full(classes, 0.4), 150)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, 150 - classes)])
    wanted = find(
        labels, chance, filter_by="confident_learning", return_indices_ranked_by="normalized_margin", n_jobs=1
    )
    found = suspects(chance, labels)
    assert sorted(s.row for s in found) == sorted(int(i) for i in wanted)
    assert [s.row for s in found] == [int(i) for i in wanted]


def test_suspects_of_hand_made_probabilities() -> None:
    chance = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9], [0.97, 0.03]])
    found = suspects(chance, np.array([0, 0, 1, 1, 1]))
    assert [(s.row, s.given, s.suggested) for s in found] == [(4, 1, 0)]
    assert found[0].score == pytest.approx((0.03 - 0.97 + 1) / 2)
    assert suspects(np.zeros((0, 3)), np.zeros(0, np.int64)) == []
    assert suspects(np.ones((4, 1)), np.zeros(4, np.int64)) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=80), st.integers(0, 99))
def test_groups_never_straddle_folds(rows: list[tuple[int, int]], seed: int) -> None:
    targets, groups = (np.array(c, np.int64) for c in zip(*rows, strict=True))
    fold = assign_folds(targets, seed, 5, groups)
    assert all(len(set(fold[groups == g])) == 1 for g in set(groups.tolist()))
    assert np.array_equal(fold, assign_folds(targets, seed, 5, groups))
    assert fold.min() >= 0
    assert fold.max() < 5


def test_folds_are_even_in_classes_and_size() -> None:
    targets = np.repeat([0, 1, 2, 3], [500, 250, 23, 5])
    fold = assign_folds(targets, 0)
    table = np.array([np.bincount(targets[fold == k], minlength=4) for k in range(5)])
    assert np.all(table.max(axis=0) - table.min(axis=0) <= 1)
    assert np.ptp(table.sum(axis=1)) <= 3


def test_a_row_is_not_judged_by_itself_nor_by_its_near_duplicate() -> None:
    # Random labels: only a model that saw the row, or its copy, can tell them.
    random = np.random.default_rng(0)
    features = random.normal(size=(150, 200))
    labels = random.integers(0, 2, 150)
    twice, both, group = np.vstack([features, features]), np.tile(labels, 2), np.tile(np.arange(150), 2)
    kept = cross_validated(twice, both, 2, 0, groups=group)
    straddled = cross_validated(twice, both, 2, 0)
    assert abs(np.mean(kept.argmax(axis=1) == both) - 0.5) < 0.15
    assert np.mean(straddled.argmax(axis=1) == both) > 0.75


@pytest.mark.parametrize("labels", [[0] * 12, [0] * 11 + [2], [0, 1], [1]])
def test_rare_classes_and_few_rows_are_answered(labels: list[int]) -> None:
    features = np.random.default_rng(0).normal(size=(len(labels), 3))
    chance = cross_validated(features, np.array(labels), 3, 0)
    assert np.allclose(chance.sum(axis=1), 1.0)
    assert np.isfinite(chance).all()


def test_the_seed_decides() -> None:
    features, _, labels, _ = clusters(200, 3, 20)
    first = cross_validated(features, labels, 3, 1)
    assert np.array_equal(first, cross_validated(features, labels, 3, 1))
    assert not np.array_equal(first, cross_validated(features, labels, 3, 2))


def test_two_judges_find_more_than_either() -> None:
    """Words tell one half of the rows, features the other: together they find the wrong labels of both."""
    random = np.random.default_rng(0)
    gold = np.arange(400) % 2
    by_words = np.arange(400) % 4 < 2
    texts = [f"{('parcel', 'refund')[k] if told else 'thing'} number {i}"
             for i, (k, told) in enumerate(zip(gold.tolist(), by_words.tolist(), strict=True))]  # fmt: skip
    features = random.normal(0, 1, (400, 8))
    features[:, 0] += np.where(by_words, 0.0, 6.0 * (gold - 0.5))
    given = gold.copy()
    wrong = random.choice(400, 40, replace=False)
    given[wrong] = 1 - given[wrong]

    def precision(probabilities: Floats) -> float:
        return float(np.mean([s.row in wrong for s in suspects(probabilities, given)[:30]]))

    both = precision(out_of_sample(features, texts, None, given, 2, 0))
    assert both > 0.9
    assert both > precision(cross_validated(features, given, 2, 0))
    assert both >= precision(words_cross_validated(texts, None, given, 2, 0))
