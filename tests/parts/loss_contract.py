"""What every loss must do, as checks that raise AssertionError; the tests run them on good parts and broken ones."""

from typing import Any

import torch
from torch import Tensor

from bertune.base.types import Terms

ROWS, CLASSES = 7, 4
KINDS = ("class", "value", "labels", "position")
WHOLE = ("class", "position")  # targets are whole numbers


def logits_for(kind: str, seed: int = 0) -> Tensor:
    """logits[ROWS, classes] in float64; one column for values."""
    generator = torch.Generator().manual_seed(seed)
    columns = 1 if kind == "value" else CLASSES
    return torch.randn(ROWS, columns, generator=generator, dtype=torch.float64)


def targets_for(kind: str, seed: int = 1) -> Tensor:
    """Targets of each kind for ROWS rows."""
    generator = torch.Generator().manual_seed(seed)
    if kind in WHOLE:
        return torch.arange(ROWS) % CLASSES
    if kind == "value":
        return torch.randn(ROWS, generator=generator, dtype=torch.float64) * 2
    return (torch.rand(ROWS, CLASSES, generator=generator) > 0.5).double()


def fitted(loss: Any, kind: str) -> Any:
    """The loss after it has seen the training targets."""
    loss.fit(targets_for(kind), CLASSES)
    return loss


def check_form(loss: Any, kind: str) -> None:
    """One value and one weight per row, of the logits' type, in their graph; weights are constants."""
    fitted(loss, kind)
    for dtype in (torch.float32, torch.float64):
        logits = logits_for(kind).to(dtype).requires_grad_()
        terms = loss(logits, targets_for(kind))
        assert isinstance(terms, Terms), "not Terms"
        assert terms.values.shape == (ROWS,), f"values have shape {tuple(terms.values.shape)}: reduced?"
        assert terms.weights.shape == (ROWS,), f"weights have shape {tuple(terms.weights.shape)}"
        assert terms.values.dtype == terms.weights.dtype == dtype, "another type than the logits"
        assert terms.values.requires_grad, "values are cut from the graph"
        assert not terms.weights.requires_grad, "weights have a gradient"
        assert bool((terms.weights >= 0).all()), "a negative weight"
        assert bool((terms.values >= -1e-6).all()), "a negative value"


def check_rows_apart(loss: Any, kind: str) -> None:
    """The value of a row depends on that row's logits and target alone."""
    fitted(loss, kind)
    logits, targets = logits_for(kind), targets_for(kind)
    jacobian = torch.autograd.functional.jacobian(lambda x: loss(x, targets).values, logits)
    across = jacobian[~torch.eye(ROWS, dtype=torch.bool)]
    assert bool((across == 0).all()), "a row's value has a gradient at another row"
    alone = torch.cat([loss(logits[i : i + 1], targets[i : i + 1]).values for i in range(ROWS)])
    torch.testing.assert_close(loss(logits, targets).values, alone, msg="a row's value depends on its company")


def check_order(loss: Any, kind: str) -> None:
    """Rows in another order give the same terms in that order."""
    fitted(loss, kind)
    logits, targets = logits_for(kind), targets_for(kind)
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(3))
    straight, shuffled = loss(logits, targets), loss(logits[order], targets[order])
    torch.testing.assert_close(straight.values[order], shuffled.values, msg="values depend on the order of rows")
    torch.testing.assert_close(straight.weights[order], shuffled.weights, msg="weights depend on the order of rows")


def check_gradient(loss: Any, kind: str) -> None:
    """The gradient is that of finite differences, in float64."""
    fitted(loss, kind)
    targets = targets_for(kind)
    logits = logits_for(kind).requires_grad_()
    same = torch.autograd.gradcheck(lambda x: loss(x, targets).values, (logits,), raise_exception=False)
    assert same, "gradient differs from finite differences"


def check_finite(loss: Any, kind: str) -> None:
    """Values and gradients stay finite at logits of ±1e4, right or wrong."""
    fitted(loss, kind)
    targets = targets_for(kind)
    for size in (1e4, -1e4):
        for column in range(logits_for(kind).shape[1]):
            logits = torch.zeros(logits_for(kind).shape)
            logits[:, column] = size
            logits.requires_grad_()
            values = loss(logits, targets).values
            (gradient,) = torch.autograd.grad(values.sum(), logits)
            assert bool(torch.isfinite(values).all()), f"values not finite at {size}"
            assert bool(torch.isfinite(gradient).all()), f"gradient not finite at {size}"


def check_truth_is_best(loss: Any, kind: str) -> None:
    """A clear right answer costs less than a clear wrong one."""
    fitted(loss, kind)
    targets = targets_for(kind)
    if kind == "value":
        right, wrong = targets[:, None], targets[:, None] + 3.0
    else:
        hot = torch.nn.functional.one_hot(targets, CLASSES) if kind in WHOLE else targets
        right, wrong = hot * 10.0 - 5.0, 5.0 - hot * 10.0
    good, bad = loss(right, targets).values, loss(wrong, targets).values
    assert bool((good < bad).all()), "a wrong answer costs no more than the right one"


def check_ignored(loss: Any, kind: str) -> None:
    """Class targets of -100 have value 0, weight 0 and no gradient, and change nothing for the others."""
    if kind not in WHOLE:
        return
    targets = targets_for(kind)
    targets[[1, 4]] = -100
    loss.fit(targets, CLASSES)
    logits = logits_for(kind).requires_grad_()
    terms = loss(logits, targets)
    (gradient,) = torch.autograd.grad(terms.values.sum(), logits)
    for row in (1, 4):
        assert terms.values[row] == 0 and terms.weights[row] == 0, "an ignored row counts"
        assert bool((gradient[row] == 0).all()), "an ignored row has a gradient"
    rest = [0, 2, 3, 5, 6]
    torch.testing.assert_close(terms.values[rest], loss(logits[rest], targets[rest]).values)


def check_leaves_torch_alone(loss: Any, kind: str) -> None:
    """Random state, gradient mode, default type and the arguments are as they were."""

    def state() -> tuple[Any, ...]:
        return (
            torch.get_rng_state().tolist(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
        )

    logits, targets = logits_for(kind), targets_for(kind)
    kept_logits, kept_targets, before = logits.clone(), targets.clone(), state()
    try:
        fitted(loss, kind)(logits, targets)
        assert state() == before, "torch's state was changed"
        assert torch.equal(logits, kept_logits) and torch.equal(targets, kept_targets), "an argument was changed"
    finally:
        torch.set_grad_enabled(before[1])


def check_pure(loss: Any, kind: str) -> None:
    """The same call gives the same terms, to the last bit, also under no_grad."""
    fitted(loss, kind)
    logits, targets = logits_for(kind), targets_for(kind)
    first = loss(logits, targets)
    with torch.no_grad():
        second = loss(logits, targets)
    assert torch.equal(first.values, second.values), "values change from call to call"
    assert torch.equal(first.weights, second.weights), "weights change from call to call"


CHECKS = (
    check_form,
    check_rows_apart,
    check_order,
    check_gradient,
    check_finite,
    check_truth_is_best,
    check_ignored,
    check_leaves_torch_alone,
    check_pure,
)
