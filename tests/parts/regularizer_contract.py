"""What every regularizer must do, as checks that raise AssertionError; it comes as a function of its strengths."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bertune.regularizers._learned import Learned

Make = Callable[[float], Any]
RATE = 0.01


def learned(seed: int = 0, gradients: bool = True) -> list[Learned]:
    """A pretrained matrix and bias that have moved, a new matrix and a new bias, in float64."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    shapes = {"encoder.weight": (3, 4), "encoder.bias": (4,), "head.weight": (4, 2), "head.bias": (2,)}
    parts: list[Learned] = []
    for name, shape in shapes.items():
        parameter = torch.nn.Parameter(draw(*shape))
        if gradients:
            parameter.grad = draw(*shape)
        start = draw(*shape) if name.startswith("encoder") else None
        parts.append(Learned(name, parameter, start, RATE * (1 + len(parts))))
    return parts


def pull(regularizer: Any, parts: list[Learned]) -> list[Tensor]:
    """What the regularizer does to each parameter, as a gradient: added before, or taken from the weights after."""
    pulls = []
    grads = [None if each.parameter.grad is None else each.parameter.grad.clone() for each in parts]
    values = [each.parameter.detach().clone() for each in parts]
    regularizer.before_step(parts)
    for each, grad in zip(parts, grads, strict=True):
        now = each.parameter.grad
        none = torch.zeros_like(each.parameter)
        pulls.append((none if now is None else now) - (none if grad is None else grad))
    moved_before = [not torch.equal(each.parameter, value) for each, value in zip(parts, values, strict=True)]
    assert not any(moved_before), "before_step moved weights"
    regularizer.after_step(parts)
    for number, (each, value) in enumerate(zip(parts, values, strict=True)):
        pulls[number] = pulls[number] + (value - each.parameter.detach()) / each.learning_rate
    return pulls


def check_gradient_of_penalty(make: Make) -> None:
    """What it does is the gradient of its penalty, and that is the gradient by finite differences."""
    for has_gradients in (True, False):
        regularizer, parts = make(0.3), learned(gradients=has_gradients)
        parameters = [each.parameter for each in parts]
        penalty = regularizer.penalty(parts)
        assert penalty.shape == (), "the penalty is not one number"
        assert penalty.item() > 0, "the penalty is not positive"
        expected = torch.autograd.grad(penalty, parameters, allow_unused=True)
        found = pull(regularizer, parts)
        for each, want, got in zip(parts, expected, found, strict=True):
            gradient = torch.zeros_like(each.parameter) if want is None else want
            assert torch.allclose(gradient, got, rtol=1e-9, atol=1e-11), f"{each.name}: not the gradient of the penalty"


def check_finite_differences(make: Make) -> None:
    """The penalty's gradient by autograd is that of finite differences."""
    regularizer, parts = make(0.3), learned()

    def penalty(*values: Tensor) -> Tensor:
        moved = [
            Learned(p.name, value, p.start, p.learning_rate)  # type: ignore[arg-type]
            for p, value in zip(parts, values, strict=True)
        ]
        return regularizer.penalty(moved)  # type: ignore[no-any-return]

    values = tuple(p.parameter.detach().clone().requires_grad_() for p in parts)
    assert torch.autograd.gradcheck(penalty, values, raise_exception=False), "not differentiable as it claims"


def check_strength_zero_is_absent(make: Make) -> None:
    """Strength 0 changes no weight and no gradient, to the last bit, and costs nothing."""
    for has_gradients in (True, False):
        regularizer, parts = make(0.0), learned(gradients=has_gradients)
        before = [(p.parameter.detach().clone(), p.parameter.grad) for p in parts]
        copies = [None if grad is None else grad.clone() for _, grad in before]
        regularizer.before_step(parts)
        regularizer.after_step(parts)
        assert regularizer.penalty(parts).item() == 0.0, "a penalty at strength 0"
        for part, (value, _), grad in zip(parts, before, copies, strict=True):
            assert torch.equal(part.parameter, value), "weights changed at strength 0"
            now = part.parameter.grad
            assert (now is None) == (grad is None), "a gradient appeared at strength 0"
            assert grad is None or (now is not None and torch.equal(now, grad)), "gradients changed at strength 0"


def check_stays_in_bounds(make: Make) -> None:
    """Pretrained starts are not touched, no graph is left behind, an empty list is fine, torch's state is as it was."""
    regularizer, parts = make(0.3), learned()
    starts = [None if p.start is None else p.start.clone() for p in parts]
    before = torch.get_rng_state(), torch.is_grad_enabled()
    regularizer.before_step(parts)
    regularizer.after_step(parts)
    regularizer.before_step([])
    regularizer.after_step([])
    assert regularizer.penalty([]).item() == 0.0, "a penalty of nothing"
    for part, start in zip(parts, starts, strict=True):
        assert start is None or (part.start is not None and torch.equal(part.start, start)), (
            "the pretrained start was changed"
        )
        assert part.parameter.is_leaf and part.parameter.requires_grad, "the parameter is no longer one that learns"
        assert part.parameter.grad is None or not part.parameter.grad.requires_grad, "the gradient carries a graph"
    assert torch.equal(torch.get_rng_state(), before[0]), "torch's random state was changed"
    assert torch.is_grad_enabled() == before[1], "the gradient mode was changed"


CHECKS = (check_gradient_of_penalty, check_finite_differences, check_strength_zero_is_absent, check_stays_in_bounds)
