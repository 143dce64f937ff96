"""Early stopping against a reference that looks at the whole list of scores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bertune.engine.callbacks.early_stopping import EarlyStopping
from bertune.engine.events import Evaluated, Save, Stop

SCORES = st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, max_size=30)


def seen(scores, *, higher=True, patience=2, gain=0.0, active=True, losses=None):
    """(step at which it stops or None, steps that were saved as best)."""
    stopping, saved = EarlyStopping("f1", higher, patience, gain, active), []
    for step, score in enumerate(scores, 1):
        loss = 1.0 if losses is None else losses[step - 1]
        wishes = stopping.on_evaluated(Evaluated(step, step / 2, "valid", {"f1": score}, loss, 2))
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
        ([0.5, 0.5], {"losses": [1.0, 0.9]}, None, [1, 2]),
        ([0.5, 0.5], {"losses": [1.0, 1.1]}, None, [1]),
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
    assert stopping.best_value == max(looked)
    assert stopping.best_step == saved[-1] == looked.index(max(looked)) + 1
