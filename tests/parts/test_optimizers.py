"""The optimizers: the contract, the references, and broken specimens that the contract must reject."""

from functools import partial
from typing import Any

import numpy as np
import optimizer_contract as contract
import pytest
import torch

from bertune.base import registry
from bertune.base.settings import build
from bertune.optimizers._rates import RATE_OF_ADAMW
from bertune.optimizers._types import fused

NAMES = registry.names("optimizers")
# Peak rates for the little quadratic: its steepest side allows 2 / 10 for plain gradients.
RATES = {
    "gradient_descent": 0.15, "sgd": 0.15, "momentum": 0.05, "nesterov": 0.05, "adagrad": 0.5, "adadelta": 10.0,
    "adafactor": 0.3,
}  # fmt: skip
# RAdam is not here: its first updates go unscaled by design.
CORRECTED = ["adam", "adamw", "nadam", "adamax", "lamb"]
DECOUPLED = {"adamw", "nadam", "radam", "adafactor", "lion"}


def maker(name: str, **values: Any) -> contract.Make:
    return partial(build, registry.load("optimizers", name), values=values)


def test_names() -> None:
    assert set(NAMES) >= {
        "gradient_descent", "sgd", "momentum", "nesterov", "adam", "adamw", "adagrad", "adadelta", "rmsprop", "nadam",
        "radam", "adamax", "adafactor", "lamb", "lion",
    }  # fmt: skip


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_contract(check: Any, name: str) -> None:
    check(maker(name))


@pytest.mark.parametrize("name", NAMES)
def test_reaches_the_minimum_of_a_quadratic(name: str) -> None:
    contract.check_quadratic(maker(name), RATES.get(name, 0.05))


@pytest.mark.parametrize("name", CORRECTED)
def test_first_updates_are_bias_corrected(name: str) -> None:
    contract.check_bias_correction(maker(name))


def test_bias_correction_has_no_switch() -> None:
    for name in NAMES:
        assert not [s for s in build_settings(name) if "bias" in s or "correct" in s]


def build_settings(name: str) -> list[str]:
    from bertune.base.settings import schema

    return list(schema(registry.load("optimizers", name)).model_fields)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("adagrad", "adadelta")])
def test_weight_decay(name: str) -> None:
    contract.check_decay(maker(name), name in DECOUPLED)


@pytest.mark.parametrize("name", ["adagrad", "adadelta"])
def test_weight_decay_is_coupled(name: str) -> None:
    contract.check_decay(maker(name), decoupled=False)


def test_one_kernel_where_torch_has_one() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    for name in ("sgd", "momentum", "nesterov", "gradient_descent", "adam", "adamw", "adagrad"):
        assert maker(name)([{"params": [parameter]}], 0.1).param_groups[0]["fused"] is True
    assert fused([{"params": [torch.ones(2, device="meta")]}]) is None
    assert fused([]) is None


def test_one_kernel_gives_what_the_plain_way_gives() -> None:
    for name, plain in (("adamw", torch.optim.AdamW), ("momentum", partial(torch.optim.SGD, momentum=0.9))):
        ends = []
        for make in (maker(name, weight_decay=0.01), partial(plain, weight_decay=0.01, foreach=False)):
            parameters = contract.weights()
            contract._run(make(contract.groups_of(parameters, 0.01), 0.01), parameters, 0, 20)
            ends.append(torch.cat([p.detach().flatten() for p in parameters]))
        torch.testing.assert_close(*ends, rtol=1e-5, atol=1e-6)


# --- references: the papers' algorithms, line by line, in float64 -----------------------------------------------------


def lamb_of_the_paper(x: Any, gradients: list[Any], rate: float, decay: float, eps: float) -> Any:
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        r = (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + eps)
        u = r + decay * x
        ratio = np.linalg.norm(x) / np.linalg.norm(u) if np.linalg.norm(x) > 0 and np.linalg.norm(u) > 0 else 1.0
        x = x - rate * ratio * u
    return x


def lion_of_the_paper(x: Any, gradients: list[Any], rate: float, decay: float, eps: float) -> Any:
    m = np.zeros_like(x)
    for g in gradients:
        c = 0.9 * m + 0.1 * g
        x = x - rate * (np.sign(c) + decay * x)
        m = 0.99 * m + 0.01 * g
    return x


def adam_of_the_paper(x: Any, gradients: list[Any], rate: float, decay: float, eps: float) -> Any:
    m, v = np.zeros_like(x), np.zeros_like(x)
    for t, g in enumerate(gradients, start=1):
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        x = x * (1 - rate * decay) - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + eps)
    return x


@pytest.mark.parametrize(
    ("name", "paper", "settings"),
    [
        ("lamb", lamb_of_the_paper, {"epsilon": 1e-6}),
        ("lion", lion_of_the_paper, {}),
        ("adamw", adam_of_the_paper, {"epsilon": 1e-6}),
    ],
)
@pytest.mark.parametrize("start", [0.0, 1.0])
def test_agrees_with_the_paper(name: str, paper: Any, settings: dict[str, Any], start: float) -> None:
    random = np.random.default_rng(0)
    first = random.normal(size=(4, 3)) * start
    gradients = [random.normal(size=(4, 3)) for _ in range(12)]
    parameter = torch.nn.Parameter(torch.tensor(first))
    optimizer = maker(name, weight_decay=0.1, **settings)([{"params": [parameter]}], 0.02)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimizer.step()
    expected = paper(first, gradients, 0.02, 0.1, 1e-6)
    np.testing.assert_allclose(parameter.detach().numpy(), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["lamb", "lion"])
def test_a_zero_gradient_and_closures(name: str) -> None:
    parameter = torch.nn.Parameter(torch.zeros(3))
    optimizer = maker(name, weight_decay=0.0)([{"params": [parameter]}], 0.1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (parameter * 0.0).sum() + 3.0
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 3.0  # type: ignore[union-attr]
    assert torch.equal(parameter, torch.zeros(3))


def test_rates_name_optimizers() -> None:
    assert set(RATE_OF_ADAMW) <= set(NAMES)
    assert RATE_OF_ADAMW["adamw"] == 1.0
    assert all(factor > 0 for factor in RATE_OF_ADAMW.values())


# --- broken specimens -------------------------------------------------------------------------------------------------


class Plain(torch.optim.Optimizer):
    """Gradient descent, to be spoilt."""

    def __init__(self, groups: Any, lr: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0})

    def move(self, parameter: Any, group: Any) -> None:
        parameter.sub_(parameter.grad, alpha=group["lr"])

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.move(parameter, group)


class KeepsStateOnItself(Plain):
    def __init__(self, groups: Any, lr: float) -> None:
        super().__init__(groups, lr)
        self.seen: dict[Any, Any] = {}

    def move(self, parameter: Any, group: Any) -> None:
        mean = self.seen.setdefault(parameter, torch.zeros_like(parameter))
        parameter.sub_(mean.mul_(0.9).add_(parameter.grad), alpha=group["lr"])


class KeepsObjects(Plain):
    def move(self, parameter: Any, group: Any) -> None:
        self.state[parameter]["object"] = {1, 2}
        super().move(parameter, group)


class Noisy(Plain):
    def move(self, parameter: Any, group: Any) -> None:
        parameter.sub_(parameter.grad + torch.randn_like(parameter), alpha=group["lr"])


class OneRateForAll(Plain):
    def move(self, parameter: Any, group: Any) -> None:
        parameter.sub_(parameter.grad, alpha=self.defaults["lr"])


class OverridesGroups(Plain):
    def __init__(self, groups: Any, lr: float) -> None:
        super().__init__([{**g, "lr": lr} for g in groups], lr)


class IgnoresTheRate(Plain):
    def __init__(self, groups: Any, lr: float) -> None:
        super().__init__(groups, 0.001)


class Uphill(Plain):
    def move(self, parameter: Any, group: Any) -> None:
        parameter.add_(parameter.grad, alpha=group["lr"])


class AdamWithoutCorrection(Plain):
    def move(self, parameter: Any, group: Any) -> None:
        state = self.state[parameter]
        state.setdefault("m", torch.zeros_like(parameter)).lerp_(parameter.grad, 0.1)
        state.setdefault("v", torch.zeros_like(parameter)).lerp_(parameter.grad**2, 0.001)
        parameter.sub_(state["m"] / (state["v"].sqrt() + 1e-8), alpha=group["lr"])


class DecayWithoutTheRate(Plain):
    def move(self, parameter: Any, group: Any) -> None:
        parameter.mul_(1 - group["weight_decay"])


BROKEN = [
    (KeepsStateOnItself, contract.check_state_round_trip),
    (KeepsObjects, contract.check_state_round_trip),
    (Noisy, contract.check_repeatable),
    (OneRateForAll, contract.check_groups),
    (OverridesGroups, contract.check_groups),
    (IgnoresTheRate, contract.check_default_rate),
    (Uphill, partial(contract.check_quadratic, rate=0.05)),
    (AdamWithoutCorrection, contract.check_bias_correction),
    (Plain, partial(contract.check_decay, decoupled=False)),
    (DecayWithoutTheRate, partial(contract.check_decay, decoupled=True)),
]


@pytest.mark.parametrize(("specimen", "check"), BROKEN, ids=lambda x: getattr(x, "__name__", "check"))
def test_broken_specimens_are_rejected(specimen: Any, check: Any) -> None:
    with pytest.raises(AssertionError):
        check(specimen)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda c: c.__name__)
def test_the_right_specimen_passes(check: Any) -> None:
    check(Plain)
    contract.check_quadratic(Plain, 0.15)
