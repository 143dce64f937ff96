"""The regularizers: the contract, the references, and broken specimens that the contract must reject."""

from collections.abc import Sequence
from typing import Any

import pytest
import regularizer_contract as contract
import torch
from regularizer_contract import learned
from torch import Tensor

from bertune.base import registry
from bertune.base.settings import build, schema
from bertune.regularizers._learned import Learned
from bertune.regularizers._regularizer import Regularizer

NAMES = registry.names("regularizers")


def maker(name: str) -> contract.Make:
    part = registry.load("regularizers", name)
    strengths = [field for field in schema(part).model_fields if field.startswith("strength")]
    assert strengths, "a regularizer has a strength"
    return lambda strength: build(part, values=dict.fromkeys(strengths, strength))


def test_names() -> None:
    assert set(NAMES) >= {"l1", "l2", "l2_sp"}


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_contract(check: Any, name: str) -> None:
    check(maker(name))


@pytest.mark.parametrize("name", ["l1", "l2"])
def test_biases_and_norms_are_left_alone(name: str) -> None:
    parts = learned()
    pulls = contract.pull(maker(name)(0.3), parts)
    assert [bool((p == 0).all()) for p in pulls] == [False, True, False, True]


def test_l1_by_hand() -> None:
    parts = learned()
    expected = 0.3 * sum(p.parameter.abs().sum() for p in parts if p.parameter.ndim > 1)
    torch.testing.assert_close(maker("l1")(0.3).penalty(parts), expected)


def test_l2_is_adamws_decay() -> None:
    """The same weights as AdamW with weight_decay, to the last bit but rounding."""
    ends = []
    for decay, regularizer in ((0.1, None), (0.0, maker("l2")(0.1))):
        torch.manual_seed(0)
        parameter = torch.nn.Parameter(torch.randn(4, 3, dtype=torch.float64))
        optimizer = torch.optim.AdamW([parameter], lr=0.01, weight_decay=decay)
        for _ in range(10):
            parameter.grad = torch.randn(4, 3, dtype=torch.float64)
            if regularizer is not None:  # AdamW shrinks before it moves, and the factor commutes with nothing else
                regularizer.after_step([Learned("w", parameter, None, 0.01)])
            optimizer.step()
        ends.append(parameter.detach())
    torch.testing.assert_close(*ends)


def test_l2_sp_by_hand() -> None:
    parts = learned()
    weight, bias, new, _ = (p.parameter for p in parts)
    start, start_bias = parts[0].start, parts[1].start
    regularizer = build(registry.load("regularizers", "l2_sp"), values={"strength": 0.2, "strength_new": 0.6})
    expected = 0.1 * ((weight - start) ** 2).sum() + 0.1 * ((bias - start_bias) ** 2).sum() + 0.3 * (new**2).sum()
    torch.testing.assert_close(regularizer.penalty(parts), expected)


def test_l2_sp_goes_back_to_the_start() -> None:
    parts = learned(gradients=False)
    regularizer = maker("l2_sp")(1.0)
    optimizer = torch.optim.SGD([p.parameter for p in parts], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        regularizer.before_step(parts)
        optimizer.step()
    for part in parts[:2]:
        torch.testing.assert_close(part.parameter.detach(), part.start, atol=1e-6, rtol=0)
    torch.testing.assert_close(parts[2].parameter.detach(), torch.zeros(4, 2, dtype=torch.float64), atol=1e-6, rtol=0)


def test_l2_sp_at_the_start_is_nothing() -> None:
    parameter = torch.nn.Parameter(torch.randn(3, 3))
    part = Learned("w", parameter, parameter.detach().clone(), 0.1)
    regularizer = maker("l2_sp")(1.0)
    regularizer.before_step([part])
    assert regularizer.penalty([part]).item() == 0.0
    assert parameter.grad is not None and bool((parameter.grad == 0).all())


def test_l2_sp_leaves_the_gradient_its_own_memory() -> None:
    """A first gradient made by the regularizer must not be the weights themselves."""
    parts = learned(gradients=False)
    build(registry.load("regularizers", "l2_sp"), values={"strength": 1.0, "strength_new": 1.0}).before_step(parts)
    for part in parts[:3]:
        assert part.parameter.grad is not None
        assert part.parameter.grad.data_ptr() != part.parameter.data_ptr()


# --- broken specimens -------------------------------------------------------------------------------------------------


class Right(Regularizer):
    def __init__(self, strength: float) -> None:
        self.strength = strength

    def penalty(self, learned: Sequence[Learned]) -> Tensor:
        terms = [p.parameter.square().sum() for p in learned]
        return torch.stack(terms).sum() * self.strength if terms else torch.zeros(())

    @torch.no_grad()
    def before_step(self, learned: Sequence[Learned]) -> None:
        for part in learned if self.strength else ():
            added = self.direction(part) * self.strength
            part.parameter.grad = added if part.parameter.grad is None else part.parameter.grad + added

    def direction(self, part: Learned) -> Tensor:
        return 2 * part.parameter.detach()


class OtherGradient(Right):
    def direction(self, part: Learned) -> Tensor:
        return part.parameter.detach()


class PullsTwice(Right):
    @torch.no_grad()
    def after_step(self, learned: Sequence[Learned]) -> None:
        for part in learned:
            part.parameter.mul_(1 - 2 * part.learning_rate * self.strength)


class ForgetsTheRate(Right):
    def before_step(self, learned: Sequence[Learned]) -> None: ...

    @torch.no_grad()
    def after_step(self, learned: Sequence[Learned]) -> None:
        for part in learned:
            part.parameter.mul_(1 - 2 * self.strength)


class MovesTooEarly(Right):
    @torch.no_grad()
    def before_step(self, learned: Sequence[Learned]) -> None:
        for part in learned:
            part.parameter.mul_(0.99)


class DetachedPenalty(Right):
    def penalty(self, learned: Sequence[Learned]) -> Tensor:
        penalty = super().penalty(learned)
        return penalty.detach() + 0.0 * penalty


class AlwaysOn(Right):
    @torch.no_grad()
    def before_step(self, learned: Sequence[Learned]) -> None:
        for part in learned:
            added = self.direction(part) * max(self.strength, 1e-9)
            part.parameter.grad = added if part.parameter.grad is None else part.parameter.grad + added


class MovesTheStart(Right):
    def direction(self, part: Learned) -> Tensor:
        if part.start is not None:
            part.start.mul_(0.5)
        return super().direction(part)


class LeavesAGraph(Right):
    def before_step(self, learned: Sequence[Learned]) -> None:
        for part in learned:
            with torch.enable_grad():
                part.parameter.grad = part.parameter * self.strength


class TurnsGradientsOff(Right):
    def after_step(self, learned: Sequence[Learned]) -> None:
        torch.set_grad_enabled(False)


BROKEN = [
    (OtherGradient, contract.check_gradient_of_penalty),
    (PullsTwice, contract.check_gradient_of_penalty),
    (ForgetsTheRate, contract.check_gradient_of_penalty),
    (MovesTooEarly, contract.check_gradient_of_penalty),
    (DetachedPenalty, contract.check_finite_differences),
    (AlwaysOn, contract.check_strength_zero_is_absent),
    (MovesTheStart, contract.check_stays_in_bounds),
    (LeavesAGraph, contract.check_stays_in_bounds),
    (TurnsGradientsOff, contract.check_stays_in_bounds),
]


@pytest.mark.parametrize(("specimen", "check"), BROKEN, ids=lambda x: x.__name__)
def test_broken_specimens_are_rejected(specimen: Any, check: Any) -> None:
    try:
        with pytest.raises(AssertionError):
            check(specimen)
    finally:
        torch.set_grad_enabled(True)


def test_every_check_rejects_something() -> None:
    assert {check for _, check in BROKEN} == set(contract.CHECKS)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
def test_the_right_specimen_passes(check: Any) -> None:
    check(Right)
