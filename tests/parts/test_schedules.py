"""The schedules: the contract, the references, and broken specimens that the contract must reject."""

from functools import partial
from typing import Any

import pytest
import schedule_contract as contract
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim import lr_scheduler
from transformers import (
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_cosine_with_hard_restarts_schedule_with_warmup,
    get_inverse_sqrt_schedule,
    get_linear_schedule_with_warmup,
    get_polynomial_decay_schedule_with_warmup,
)

from bertune.base import registry
from bertune.base.settings import build
from bertune.schedules._schedule import Schedule

NAMES = registry.names("schedules")


def maker(name: str, **values: Any) -> contract.Make:
    return partial(build, registry.load("schedules", name), values=values)


def test_names() -> None:
    assert set(NAMES) >= {
        "constant", "linear", "exponential", "step", "multi_step", "inverse_square_root", "polynomial", "cosine",
        "cosine_with_restarts", "one_cycle", "reduce_on_plateau",
    }  # fmt: skip


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_contract(check: Any, name: str) -> None:
    check(maker(name))


# --- references -------------------------------------------------------------------------------------------------------


def optimizer_for_reference() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)


def rates(scheduler: Any, steps: int) -> list[float]:
    """The rates that a scheduler of torch gives at updates 0 … steps - 1."""
    found = []
    for _ in range(steps):
        found.append(float(scheduler.optimizer.param_groups[0]["lr"]))
        scheduler.optimizer.step()
        scheduler.step()
    return found


STEPS, WARMUP = 120, 20
REST = STEPS - WARMUP

TORCH = [
    ("exponential", {"gamma": 0.05}, lambda o: lr_scheduler.ExponentialLR(o, gamma=0.05 ** (1 / STEPS))),
    ("step", {"every": 0.25, "gamma": 0.5}, lambda o: lr_scheduler.StepLR(o, step_size=30, gamma=0.5)),
    ("step", {"every": 0.1, "gamma": 0.7}, lambda o: lr_scheduler.StepLR(o, step_size=12, gamma=0.7)),
    ("multi_step", {"milestones": [0.5, 0.75]}, lambda o: lr_scheduler.MultiStepLR(o, [60, 90], gamma=0.1)),
    ("cosine", {"end": 0.1}, lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS, eta_min=0.1)),
    ("polynomial", {"power": 3.0}, lambda o: lr_scheduler.PolynomialLR(o, total_iters=STEPS, power=3.0)),
    ("linear", {"end": 0.2}, lambda o: lr_scheduler.LinearLR(o, 1.0, 0.2, total_iters=STEPS)),
    (
        "cosine_with_restarts",
        {"cycles": 4},
        lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=STEPS // 4),
    ),
    ("one_cycle", {}, lambda o: lr_scheduler.OneCycleLR(o, max_lr=1.0, total_steps=STEPS, cycle_momentum=False)),
    (
        "one_cycle",
        {"peak": 0.1, "initial_division": 10.0, "final_division": 100.0},
        lambda o: lr_scheduler.OneCycleLR(
            o, 1.0, STEPS, pct_start=0.1, div_factor=10.0, final_div_factor=100.0, cycle_momentum=False
        ),
    ),
]


@pytest.mark.parametrize(("name", "settings", "reference"), TORCH)
def test_agrees_with_torch(name: str, settings: dict[str, Any], reference: Any) -> None:
    schedule = maker(name, **settings)()
    expected = rates(reference(optimizer_for_reference()), STEPS)
    assert [schedule.factor(step, STEPS) for step in range(STEPS)] == pytest.approx(expected, abs=1e-9)


TRANSFORMERS = [
    ("constant", {}, lambda o: get_constant_schedule_with_warmup(o, WARMUP)),
    ("linear", {}, lambda o: get_linear_schedule_with_warmup(o, WARMUP, STEPS)),
    ("cosine", {}, lambda o: get_cosine_schedule_with_warmup(o, WARMUP, STEPS)),
    (
        "cosine_with_restarts",
        {"cycles": 3},
        lambda o: get_cosine_with_hard_restarts_schedule_with_warmup(o, WARMUP, STEPS, num_cycles=3),
    ),
    (
        "polynomial",
        {"power": 2.0, "end": 0.1},
        lambda o: get_polynomial_decay_schedule_with_warmup(o, WARMUP, STEPS, lr_end=0.1, power=2.0),
    ),
    # The time scale of transformers is the warm-up, counted from the very first update.
    ("inverse_square_root", {"timescale": WARMUP / REST}, lambda o: get_inverse_sqrt_schedule(o, WARMUP)),
]


@pytest.mark.parametrize(("name", "settings", "reference"), TRANSFORMERS)
def test_agrees_with_transformers_after_warm_up(name: str, settings: dict[str, Any], reference: Any) -> None:
    schedule = maker(name, **settings)()
    expected = rates(reference(optimizer_for_reference()), STEPS)[WARMUP:]
    assert [schedule.factor(step, REST) for step in range(REST)] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("ends", ["linear", "polynomial", "cosine", "cosine_with_restarts"])
def test_ends_at_zero(ends: str) -> None:
    assert maker(ends)().factor(100, 100) == pytest.approx(0.0, abs=1e-12)


def test_exponential_ends_at_gamma() -> None:
    assert maker("exponential", gamma=0.2)().factor(60, 60) == pytest.approx(0.2)


@given(
    scores=st.lists(st.integers(0, 20), min_size=1, max_size=40),
    patience=st.integers(0, 4),
    gain=st.sampled_from([0.0, 1.0, 2.0]),
)
def test_reduce_on_plateau_is_torchs(scores: list[int], patience: int, gain: float) -> None:
    schedule = maker("reduce_on_plateau", factor=0.5, patience=patience, minimum=0.1, minimum_gain=gain)()
    optimizer = optimizer_for_reference()
    reference = lr_scheduler.ReduceLROnPlateau(
        optimizer, "max", 0.5, patience, threshold=gain, threshold_mode="abs", min_lr=0.1
    )
    for score in scores:
        schedule.observe(float(score))
        reference.step(float(score))
        assert schedule.factor(0, 10) == pytest.approx(optimizer.param_groups[0]["lr"])


def test_one_cycle_rises_then_falls_even_in_short_runs() -> None:
    for steps in range(1, 30):
        factors = [maker("one_cycle")().factor(step, steps) for step in range(steps + 1)]
        top = factors.index(max(factors))
        assert factors[: top + 1] == sorted(factors[: top + 1])
        assert factors[top:] == sorted(factors[top:], reverse=True)


# --- broken specimens -------------------------------------------------------------------------------------------------


class Right(Schedule):
    def factor(self, step: int, steps: int) -> float:
        return 1.0 - step / (steps + 1)


class AboveOne(Right):
    def factor(self, step: int, steps: int) -> float:
        return 1.0 + super().factor(step, steps) * (step > 0)


class BelowZeroAtTheEnd(Right):
    def factor(self, step: int, steps: int) -> float:
        return 1.0 - step / max(steps - 1, 1) if step else 1.0


class WholeNumbers(Right):
    def factor(self, step: int, steps: int) -> float:
        return 1


class NeverAtThePeak(Right):
    def factor(self, step: int, steps: int) -> float:
        return 0.5 * super().factor(step, steps)


class WarmsUpInSecret(Right):
    def factor(self, step: int, steps: int) -> float:
        return min(1.0, (step + 1) / 10)


class StopsHalfWay(Right):
    def factor(self, step: int, steps: int) -> float:
        return max(0.0, 1.0 - 2 * step / max(steps, 1))


class CountsItsCalls(Right):
    def __init__(self) -> None:
        self.calls = -1

    def factor(self, step: int, steps: int) -> float:
        self.calls += 1
        return 0.999**self.calls


class ForgetsWhatItSaw(Right):
    def __init__(self) -> None:
        self.seen = 0

    def observe(self, score: float) -> None:
        self.seen += 1

    def factor(self, step: int, steps: int) -> float:
        return float(0.9**self.seen)


class StateIsNoJson(ForgetsWhatItSaw):
    def state(self) -> dict[str, Any]:
        return {"seen": {self.seen}}


class StateChangesAfterwards(Right):
    def __init__(self) -> None:
        self.scores: list[float] = []

    def observe(self, score: float) -> None:
        self.scores.append(0.0)

    def state(self) -> dict[str, Any]:
        return {"scores": self.scores}


BROKEN = [
    (AboveOne, contract.check_range),
    (BelowZeroAtTheEnd, contract.check_range),
    (WholeNumbers, contract.check_range),
    (NeverAtThePeak, contract.check_reaches_the_peak),
    (WarmsUpInSecret, contract.check_reaches_the_peak),
    (StopsHalfWay, contract.check_learns_something),
    (CountsItsCalls, contract.check_pure),
    (ForgetsWhatItSaw, contract.check_state_round_trip),
    (StateIsNoJson, contract.check_state_round_trip),
    (StateChangesAfterwards, contract.check_state_round_trip),
]


@pytest.mark.parametrize(("specimen", "check"), BROKEN, ids=lambda x: x.__name__)
def test_broken_specimens_are_rejected(specimen: Any, check: Any) -> None:
    with pytest.raises(AssertionError):
        check(specimen)


def test_every_check_rejects_something() -> None:
    assert {check for _, check in BROKEN} == set(contract.CHECKS)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
def test_the_right_specimen_passes(check: Any) -> None:
    check(Right)
