"""What every optimizer must do, as checks that raise AssertionError; an optimizer is a function (groups, rate)."""

import json
from collections.abc import Callable
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

Make = Callable[[list[dict[str, Any]], float], torch.optim.Optimizer]


def weights(seed: int = 0) -> list[torch.nn.Parameter]:
    """A matrix, a vector and a vector of zeros, as in a layer and a fresh head."""
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.nn.Parameter(torch.randn(4, 3, generator=generator)),
        torch.nn.Parameter(torch.randn(3, generator=generator)),
        torch.nn.Parameter(torch.zeros(2)),
    ]


def groups_of(parameters: list[torch.nn.Parameter], rate: float) -> list[dict[str, Any]]:
    """Groups as the engine makes them: decay for matrices, none for the rest."""
    return [
        {"params": parameters[:1], "lr": rate},
        {"params": parameters[1:], "lr": rate, "weight_decay": 0.0},
    ]


def set_gradients(parameters: list[torch.nn.Parameter], step: int) -> None:
    """Gradients that depend on the weights and on the step, so that no two updates are alike."""
    generator = torch.Generator().manual_seed(step)
    for parameter in parameters:
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.grad = parameter.detach() * 0.5 + noise


def packed(state: dict[str, Any]) -> tuple[bytes, str]:
    """A state_dict as it goes to disk: tensors as safetensors, the rest as JSON."""
    tensors, plain = {}, {}
    for key, entry in state["state"].items():
        for name, value in entry.items():
            if isinstance(value, Tensor):
                tensors[f"{key}/{name}"] = value.contiguous()
            else:
                plain[f"{key}/{name}"] = value
    return save(tensors), json.dumps({"plain": plain, "groups": state["param_groups"]})


def unpacked(tensors: bytes, text: str) -> dict[str, Any]:
    """The state_dict that went to disk."""
    rest = json.loads(text)
    state: dict[int, dict[str, Any]] = {}
    for key, value in {**load(tensors), **rest["plain"]}.items():
        number, name = key.split("/", 1)
        state.setdefault(int(number), {})[name] = value
    return {"state": state, "param_groups": rest["groups"]}


def _run(optimizer: torch.optim.Optimizer, parameters: list[torch.nn.Parameter], first: int, last: int) -> None:
    for step in range(first, last):
        set_gradients(parameters, step)
        for group in optimizer.param_groups:
            group["lr"] = 0.01 / (1 + step)  # the engine sets it at every update
        optimizer.step()


def check_state_round_trip(make: Make) -> None:
    """State through safetensors and JSON into a fresh optimizer: the continuation is the same to the last bit."""
    straight = weights()
    optimizer = make(groups_of(straight, 0.01), 0.01)
    _run(optimizer, straight, 0, 5)
    try:
        disk = packed(optimizer.state_dict())
    except TypeError as error:
        raise AssertionError(f"state is not tensors and JSON values: {error}") from error
    resumed = [torch.nn.Parameter(p.detach().clone()) for p in straight]
    again = make(groups_of(resumed, 0.01), 0.01)
    again.load_state_dict(unpacked(*disk))
    _run(optimizer, straight, 5, 12)
    _run(again, resumed, 5, 12)
    for one, other in zip(straight, resumed, strict=True):
        assert torch.equal(one, other), "the continuation differs after a state round trip"


def check_repeatable(make: Make) -> None:
    """Two runs of the same updates give the same weights, to the last bit, and torch's random state is left alone."""
    before = torch.get_rng_state()
    ends = []
    for _ in range(2):
        parameters = weights()
        _run(make(groups_of(parameters, 0.01), 0.01), parameters, 0, 6)
        ends.append(torch.cat([p.detach().flatten() for p in parameters]))
    assert torch.equal(*ends), "two equal runs differ"
    assert torch.equal(torch.get_rng_state(), before), "torch's random state was changed"


def check_quadratic(make: Make, rate: float, steps: int = 400) -> None:
    """An ill-conditioned quadratic comes within a hundredth of its first height as the rate falls to 0."""
    scales = torch.tensor([[1.0, 4.0, 10.0], [0.5, 2.0, 6.0]])
    parameter = torch.nn.Parameter(torch.tensor([[1.0, -1.0, 0.7], [-0.8, 1.2, 0.5]]))
    optimizer = make([{"params": [parameter], "lr": rate, "weight_decay": 0.0}], rate)

    def height() -> Tensor:
        return (scales * parameter**2).sum() / 2

    first = height().item()
    for step in range(steps):
        optimizer.zero_grad()
        height().backward()
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / steps)
        optimizer.step()
    assert height().item() < first / 100, f"from {first:.3g} only down to {height().item():.3g}"


def check_groups(make: Make) -> None:
    """The rate of a group is its own: 0 leaves its weights alone to the last bit; without a gradient nothing moves."""
    parameters = weights()
    kept = [p.detach().clone() for p in parameters]
    groups = [{"params": parameters[:1], "lr": 0.0}, {"params": parameters[1:], "lr": 0.1, "weight_decay": 0.0}]
    optimizer = make(groups, 0.1)
    assert [g["lr"] for g in optimizer.param_groups] == [0.0, 0.1], "a group's own rate was overridden"
    assert optimizer.param_groups[1]["weight_decay"] == 0.0, "a group's own weight decay was overridden"
    set_gradients(parameters, 0)
    parameters[2].grad = None
    optimizer.step()
    assert torch.equal(parameters[0], kept[0]), "weights moved at learning rate 0"
    assert not torch.equal(parameters[1], kept[1]), "weights did not move"
    assert torch.equal(parameters[2], kept[2]), "weights without a gradient moved"


def check_default_rate(make: Make) -> None:
    """Groups that name no rate have that of the optimizer."""
    assert make([{"params": weights()}], 0.25).param_groups[0]["lr"] == 0.25, "the learning rate was not taken"


def check_bias_correction(make: Make) -> None:
    """Under a constant gradient the first updates are as large as later ones, whatever its size (Adam's family)."""
    for size in (1e-3, 1.0, 1e3):
        parameter = torch.nn.Parameter(torch.ones(3, 3, dtype=torch.float64))
        optimizer = make([{"params": [parameter], "lr": 1e-4, "weight_decay": 0.0}], 1e-4)
        for step in range(20):
            before = parameter.detach().clone()
            parameter.grad = torch.full_like(parameter, size)
            optimizer.step()
            moved = (before - parameter.detach()).mean().item() / 1e-4
            # Without correction the first is 3.2 times too large; NAdam's look ahead makes its second 0.78.
            assert abs(moved - 1.0) < 0.3, f"update {step + 1} is {moved:.2f} times the learning rate: no correction"


def check_decay(make: Make, decoupled: bool) -> None:
    """Weight decay shrinks the weights; decoupled decay by rate · decay at zero gradient, whatever the state."""
    parameter = torch.nn.Parameter(torch.full((3, 3), 2.0, dtype=torch.float64))
    optimizer = make([{"params": [parameter], "lr": 0.01, "weight_decay": 0.1}], 0.01)
    parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    shrunk = 1.0 - parameter.detach()[0, 0].item() / 2.0
    assert shrunk > 0, "weight decay did nothing"
    if decoupled:
        assert abs(shrunk - 0.001) < 1e-9, f"weights shrank by {shrunk:.2e} and not by rate times decay, 1e-3"


CHECKS = (check_state_round_trip, check_repeatable, check_groups, check_default_rate)
