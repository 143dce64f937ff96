"""Early stopping against a reference that looks at the whole list of scores."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.types import Judged
from bertune.engine.callbacks.early_stopping import EarlyStopping
from bertune.engine.events import Evaluated, Save, Stop
from bertune.evaluate.standard_error import standard_error

SCORES = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=30)


def seen(scores, *, higher=True, patience=2, gain=0.0, active=True, tolerance=0.0, error=0.1):
    """(step at which it stops or None, steps that were saved as best)."""
    stopping, saved = EarlyStopping("f1", higher, patience, gain, active, tolerance), []
    for step, score in enumerate(scores, 1):
        wishes = stopping.on_evaluated(Evaluated(step, step / 2, "valid", {"f1": score}, 1.0, 2, error))
        saved += [step for wish in wishes if isinstance(wish, Save) and wish.best]
        if any(isinstance(wish, Stop) and wish.finished for wish in wishes):
            return step, saved, stopping
    return None, saved, stopping


@pytest.mark.parametrize(
    "scores, options, stop, saved",
    [
        ([0.1, 0.2, 0.3], {}, None, [1, 2, 3]),
        ([0.5, 0.4, 0.4], {}, 3, [1]),
        ([0.5, 0.4, 0.6, 0.5, 0.5], {}, 5, [1, 3]),
        ([0.5, 0.505, 0.508], {"gain": 0.01}, 3, [1, 2, 3]),
        ([0.5, 0.505, 0.511, 0.5], {"gain": 0.01}, None, [1, 2, 3]),
        ([0.9, 0.5, 0.6, 0.7], {"higher": False}, 4, [1, 2]),
        ([0.5, 0.4, 0.3, 0.2], {"active": False}, None, [1]),
        ([0.5, 0.5], {}, None, [1, 2]),
        ([0.5, 0.39, 0.41, 0.6, 0.45, 0.51], {"active": False, "tolerance": 1.0}, None, [1, 3, 4, 6]),
        ([0.5, 0.39, 0.41, 0.6, 0.45, 0.51], {"active": False, "tolerance": 2.0}, None, [1, 2, 3, 4, 5, 6]),
        ([0.5, 0.59, 0.61], {"active": False, "higher": False, "tolerance": 1.0}, None, [1, 2]),
    ],
)
def test_by_hand(scores, options, stop, saved):
    assert seen(scores, **options)[:2] == (stop, saved)


@given(SCORES, st.integers(1, 5), st.sampled_from([0.0, 0.05, 0.2]))
def test_against_a_reference(scores, patience, gain):
    """Stops at the first check whose last `patience` checks all stayed below the last accepted score plus the gain."""
    stop, reference, waited = None, None, 0
    for step, score in enumerate(scores, 1):
        reference, waited = (score, 0) if reference is None or score >= reference + gain else (reference, waited + 1)
        if waited >= patience:
            stop = step
            break
    found, saved, stopping = seen(scores, patience=patience, gain=gain)
    assert found == stop
    looked = scores[:stop]
    assert stopping.best_value == stopping.highest == max(looked)
    assert stopping.best_step == saved[-1] == max(n for n, score in enumerate(looked, 1) if score == max(looked))


@given(SCORES, st.sampled_from([0.5, 1.0, 3.0]), st.sampled_from([0.0, 0.07]))
def test_kept_is_the_latest_within_the_tolerance(scores, tolerance, error):
    _, saved, stopping = seen(scores, active=False, tolerance=tolerance, error=error)
    near = [n for n, score in enumerate(scores, 1) if score >= max(scores) - tolerance * error]
    assert stopping.best_step == saved[-1] == near[-1]
    assert stopping.best_value == scores[near[-1] - 1] and stopping.highest == max(scores)


def judged(right, rows):
    gold = np.arange(rows) % 2
    return Judged(gold, np.where(np.arange(rows) < right, gold, 1 - gold), None, ("a", "b"))


@pytest.mark.parametrize("right, rows", [(30, 40), (150, 200), (10, 200)])
def test_the_standard_error_of_accuracy_is_the_binomial_one(right, rows):
    share = right / rows
    rng = np.random.default_rng(0)
    shuffled = judged(right, rows).take(rng.permutation(rows))
    found = standard_error(registry.load("metrics", "accuracy")(), shuffled)
    assert found == pytest.approx(math.sqrt(share * (1 - share) / rows), rel=0.5)
    assert standard_error(registry.load("metrics", "accuracy")(), judged(1, 1)) == 0.0


def test_the_standard_error_is_right_on_average():
    """Over many draws of rows its mean square is the variance of the score."""
    rng, metric = np.random.default_rng(1), registry.load("metrics", "macro_f1")()
    gold = rng.integers(0, 3, 20_000)
    guess = np.where(rng.random(20_000) < 0.7, gold, rng.integers(0, 3, 20_000))
    world = Judged(gold, guess, None, ("a", "b", "c"))
    draws = [world.take(rng.integers(0, 20_000, 120)) for _ in range(400)]
    spread = np.std([metric(draw) for draw in draws])
    assert math.sqrt(np.mean([standard_error(metric, draw) ** 2 for draw in draws])) == pytest.approx(spread, rel=0.15)
