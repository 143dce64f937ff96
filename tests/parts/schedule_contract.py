"""What every schedule must do, as checks that raise AssertionError; a schedule comes as a function that makes it."""

import copy
import json
import math
import random
from collections.abc import Callable
from typing import Any

Make = Callable[[], Any]
LENGTHS = (0, 1, 2, 3, 7, 100, 1001)
SCORES = (0.1, 0.5, 0.5, 0.4, 0.3, 0.6, 0.6, 0.5, 0.4, 0.3, 0.2, math.nan, 0.7, 0.1, 0.1, 0.1)


def check_range(make: Make) -> None:
    """A finite float in [0, 1] for every step 0 … steps, with and without observed scores, for runs of any length."""
    schedule = make()
    for score in (None, *SCORES):
        if score is not None:
            schedule.observe(score)
        for steps in LENGTHS:
            for step in range(steps + 1):
                factor = schedule.factor(step, steps)
                assert isinstance(factor, float), f"factor is a {type(factor).__name__}"
                assert 0.0 <= factor <= 1.0, f"factor {factor} at step {step} of {steps}"


def check_reaches_the_peak(make: Make) -> None:
    """The peak rate is used: at the start, or near it somewhere where the schedule warms up by itself."""
    schedule = make()
    for steps in (10, 100, 1000):
        factors = [schedule.factor(step, steps) for step in range(steps)]
        assert isinstance(schedule.own_warmup, bool), "own_warmup is neither true nor false"
        if schedule.own_warmup:
            assert max(factors) > 0.99, f"the highest factor is {max(factors)}"
            assert factors[0] < 1.0, "own_warmup, but it starts at the peak"
        else:
            assert factors[0] == 1.0, f"the first factor is {factors[0]}"


def check_learns_something(make: Make) -> None:
    """Every update before the end has a rate above 0, so that none is wasted."""
    schedule = make()
    for steps in LENGTHS[1:]:
        assert all(schedule.factor(step, steps) > 0 for step in range(steps)), "an update with rate 0"


def check_pure(make: Make) -> None:
    """The factor depends on step, steps and the observed scores alone: not on calls, their order, or the instance."""
    straight = make()
    for steps in (7, 100):
        expected = [straight.factor(step, steps) for step in range(steps + 1)]
        order = list(range(steps + 1))
        random.Random(0).shuffle(order)
        shuffled, other = {}, make()
        for step in order:
            shuffled[step] = other.factor(step, steps)
        assert expected == [shuffled[step] for step in range(steps + 1)], "the factor depends on earlier calls"


def check_state_round_trip(make: Make) -> None:
    """State goes through JSON; a fresh schedule restored from it goes on like the old one, and a copy stays frozen."""
    for cut in range(len(SCORES)):
        old = make()
        for score in SCORES[:cut]:
            old.observe(score)
        state = old.state()
        kept = copy.deepcopy(state)
        try:
            text = json.dumps(state, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"state is not JSON: {error}") from error
        new = make()
        new.restore(json.loads(text))
        for score in SCORES[cut:]:
            old.observe(score)
            new.observe(score)
            assert [old.factor(s, 50) for s in range(51)] == [new.factor(s, 50) for s in range(51)], (
                "a restored schedule goes on differently"
            )
        assert state == kept, "the state that was given out changed afterwards"


CHECKS = (check_range, check_reaches_the_peak, check_learns_something, check_pure, check_state_round_trip)
