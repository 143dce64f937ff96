"""Likeliest sequences and probabilities of tags are those that trying every sequence finds."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.data import chains
from bertune.data.chains import Steps, best_paths, marginals


def some(seed: int, tags: int, forbid: bool, sizes: list[int]) -> tuple[list[np.ndarray], Steps]:
    """Rows of scores, and steps; some steps between tags are forbidden, though never a tag after itself."""
    chance = np.random.default_rng(seed)
    start, transition, end = (chance.normal(0, 2, shape) for shape in ((tags,), (tags, tags), (tags,)))
    if forbid:
        transition[(chance.random((tags, tags)) < 0.5) & ~np.eye(tags, dtype=bool)] = -np.inf
        start[1:], end[1:] = np.where(chance.random((2, tags - 1)) < 0.5, -np.inf, [start[1:], end[1:]])
    return [chance.normal(0, 2, (size, tags)) for size in sizes], Steps(start, transition, end)


def every_path(scores: np.ndarray, steps: Steps) -> tuple[np.ndarray, np.ndarray]:
    """All sequences [sequences, words] with the sum of each."""
    paths = np.array(list(itertools.product(range(scores.shape[1]), repeat=len(scores))))
    sums = scores[np.arange(len(scores)), paths].sum(axis=1) + steps.start[paths[:, 0]] + steps.end[paths[:, -1]]
    return paths, sums + steps.transition[paths[:, :-1], paths[:, 1:]].sum(axis=1)


ROWS = {"seed": st.integers(0, 2**32), "tags": st.integers(2, 4), "forbid": st.booleans(),
        "sizes": st.lists(st.integers(0, 4), min_size=1, max_size=5)}  # fmt: skip


@given(**ROWS)
@settings(max_examples=60)
def test_the_best_sequence_is_the_best_of_all(seed, tags, forbid, sizes):
    rows, steps = some(seed, tags, forbid, sizes)
    for scores, path in zip(rows, best_paths(rows, steps), strict=True):
        assert len(path) == len(scores)
        if len(scores):
            paths, sums = every_path(scores, steps)
            found = sums[(paths == path).all(axis=1)][0]
            assert found > -np.inf and found == pytest.approx(sums.max(), abs=1e-9)


@given(**ROWS)
@settings(max_examples=60)
def test_probabilities_are_those_of_all_sequences(seed, tags, forbid, sizes):
    rows, steps = some(seed, tags, forbid, sizes)
    for scores, found in zip(rows, marginals(rows, steps), strict=True):
        assert found.shape == scores.shape
        if len(scores):
            paths, sums = every_path(scores, steps)
            chances = np.exp(sums - sums.max())
            expected = np.zeros_like(scores)
            for word in range(len(scores)):
                np.add.at(expected[word], paths[:, word], chances / chances.sum())
            assert np.abs(found - expected).max() < 1e-9


def test_rows_answer_alike_alone_and_in_portions(monkeypatch):
    rows, steps = some(3, 4, True, [3, 0, 9, 1, 40, 2, 40, 0])
    whole = best_paths(rows, steps), marginals(rows, steps)
    monkeypatch.setattr(chains, "ROOM", 60)
    for one, two in zip(whole, (best_paths(rows, steps), marginals(rows, steps)), strict=True):
        assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(one, two, strict=True))


def test_a_row_for_which_all_is_forbidden_has_its_best_tags():
    steps = Steps(np.array([-np.inf, -np.inf]), np.zeros((2, 2)), np.zeros(2))
    rows = [np.array([[0.0, 1.0], [3.0, 1.0]]), np.array([[2.0, 1.0]])]
    assert [path.tolist() for path in best_paths(rows, steps)] == [[1, 0], [0]]
