"""Clipping, groups, learning rates and averages, each against its formula."""

import math

import pytest
import torch
import workbench
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from workbench import STILL

import tiny_models
from bertune.engine.averaging import Averages
from bertune.engine.learner import norm_of, parameter_groups

SGD = {"optimizer.name": "sgd", "optimizer.learning_rate": 0.5, "training.averaging": "none", **STILL}
NO_WARMUP = {"schedule.warmup": 0.0, "schedule.name": "constant"}


def moved(made) -> float:
    """The norm of what one update changes."""
    start = made.weights()
    made.train(1)
    now = made.weights()
    return math.sqrt(sum(float((now[n] - start[n]).double().pow(2).sum()) for n in start))


@pytest.mark.parametrize("clip", [0.0, 0.001, 1e6])
def test_clipping(tiny, sentences_csv, clip):
    made = workbench.bench(tiny(), sentences_csv, {**SGD, **NO_WARMUP, "training.clip_norm": clip})
    rows = made.feed.batches(0)[0]
    batch = made.feed.store.batch(rows)
    made.learner.losses[0](made.model(batch).logits, batch.targets).values.mean().backward()
    norm = float(nn.utils.get_total_norm([p.grad for p in made.model.network.parameters() if p.grad is not None]))
    assert norm > 0.001
    expected = 0.5 * (clip if 0 < clip < norm else norm)
    assert moved(made) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("optimizer", ["adamw", "gradient_descent", "lion"])
def test_gradients_clipped_as_the_optimizer_steps_are_those_clipped_before(tiny, sentences_csv, optimizer):
    weights = []
    for fused in (True, False):
        settings = {"optimizer.name": optimizer, **NO_WARMUP, "training.clip_norm": 0.01}
        made = workbench.bench(tiny(), sentences_csv, settings)
        if not fused:
            made.learner.optimizer._step_supports_amp_scaling = False
        made.train(4)
        assert getattr(made.learner.optimizer, "grad_scale", None) is None
        weights.append(made.weights())
    for name, tensor in weights[0].items():
        torch.testing.assert_close(tensor, weights[1][name], rtol=1e-4, atol=1e-6, msg=name)


def test_the_norm_is_that_of_torch():
    torch.manual_seed(0)
    parts = [torch.randn(7, 5), torch.randn(12, 3).t(), torch.randn(9)[2:], torch.zeros(3), torch.randn(4).double()]
    assert norm_of(parts[:-1]) == pytest.approx(float(nn.utils.get_total_norm(parts[:-1])), rel=1e-6)
    assert norm_of(parts[-1:]) == pytest.approx(float(nn.utils.get_total_norm(parts[-1:])), rel=1e-12)
    assert norm_of([]) == 0.0
    assert norm_of([torch.tensor([1.0, math.inf])]) == math.inf
    assert math.isnan(norm_of([torch.tensor([1.0, math.nan])]))


def test_a_clipped_update_reports_the_whole_norm(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {**SGD, "training.clip_norm": 0.001})
    update = made.learner.update(made.feed.portions(made.feed.batches(0)[0]), 0)
    assert update.gradient_norm > 0.001


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_groups(tiny, sentences_csv, architecture):
    model = workbench.bench(tiny(architecture), sentences_csv).model
    parameters = {n: p for n, p in model.network.named_parameters() if p.requires_grad}
    groups = parameter_groups(model, parameters, 1e-3, 0.5)
    names = {id(p): n for n, p in parameters.items()}
    grouped = [names[id(p)] for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(parameters), "every learning parameter is in exactly one group"
    rates = {names[id(p)]: group["lr"] for group in groups for p in group["params"]}
    decays = {names[id(p)]: group.get("weight_decay") for group in groups for p in group["params"]}
    for name, parameter in parameters.items():
        norm_or_bias = name.endswith("bias") or "norm" in name.lower()
        assert (decays[name] == 0.0) == norm_or_bias == (parameter.ndim == 1), name
        layer = next((int(part) for part in name.split(".") if part.isdigit()), None)
        if layer is not None:
            depth = 2 - layer
        elif "embedding" in name:
            depth = 3
        else:
            depth = 0
        assert rates[name] == pytest.approx(1e-3 * 0.5**depth), name


def test_weight_decay_leaves_biases_and_norms(tiny, sentences_csv):
    """With no gradient at all, decay alone moves matrices, and them only."""
    settings = {**STILL, **NO_WARMUP, "optimizer.weight_decay": 0.1, "training.averaging": "none"}
    made = workbench.bench(tiny(), sentences_csv, settings)
    start = made.weights()
    for p in made.model.network.parameters():
        p.grad = torch.zeros_like(p)
    made.learner.optimizer.step()
    for name, parameter in made.model.network.named_parameters():
        expected = start[name] * (1 - 1e-3 * 0.1) if parameter.ndim > 1 else start[name]
        torch.testing.assert_close(parameter.detach(), expected, msg=name)


def test_learning_rates_of_a_run(tiny, sentences_csv):
    """A tenth of the steps rises in equal parts to the peak, then a straight line falls to 0."""
    made = workbench.bench(tiny(), sentences_csv, {**STILL, "schedule.warmup": 0.1, "training.epochs": 3})
    steps, warmup = made.learner.steps, round(0.1 * made.learner.steps)
    assert steps == 3 * made.feed.steps_per_epoch and warmup == 4
    factors = [made.learner.scale(step) for step in range(steps)]
    assert factors[:warmup] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert factors[warmup:] == pytest.approx([1 - k / (steps - warmup) for k in range(steps - warmup)])
    assert 0 < factors[-1] < 0.05
    for step in (0, warmup, steps - 1):
        update = made.learner.update(made.feed.portions(made.feed.batches(0)[0]), step)
        assert update.learning_rate == pytest.approx(1e-3 * factors[step])
        assert {group["lr"] for group in made.learner.optimizer.param_groups} == {update.learning_rate}


def test_a_schedule_with_its_own_warmup_gets_none(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {"schedule.name": "one_cycle", "schedule.warmup": 0.5})
    schedule, steps = made.learner.schedule, made.learner.steps
    assert [made.learner.scale(s) for s in range(steps)] == [schedule.factor(s, steps) for s in range(steps)]


def test_the_average_is_that_of_a_plain_loop(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {"training.averaging": "ema", "training.averaging_share": 0.5})
    span = 0.5 * made.learner.steps
    mean = {n: p.detach().double().clone() for n, p in made.model.network.named_parameters()}
    for number in range(1, 15):
        made.train(1, number - 1)
        decay = min(1 - 1 / span, number / (number + 10))
        if number > 8:
            if number % 4:
                continue
            decay = decay**4
        for name, parameter in made.model.network.named_parameters():
            mean[name] = decay * mean[name] + (1 - decay) * parameter.detach().double()
    own = made.weights()
    with made.learner.judging():
        for name, parameter in made.model.network.named_parameters():
            torch.testing.assert_close(parameter.detach().double(), mean[name], rtol=0, atol=1e-6)
        assert not workbench.same_bytes(own, made.weights())
    assert workbench.same_bytes(own, made.weights()), "after judging the model has its own weights again"


def test_even_one_update_moves_the_average(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {"training.averaging": "ema"})
    start = made.weights()
    made.train(1)
    with made.learner.judging():
        assert workbench.furthest(start, made.weights()) > 0


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=40), st.floats(1, 100))
def test_the_average_lies_between_what_it_saw(values, span):
    parameter = nn.Parameter(torch.tensor([values[0]], dtype=torch.float64))
    averages = Averages({"w": parameter}, span)
    for step, value in enumerate(values, 1):
        parameter.data = torch.tensor([value], dtype=torch.float64)
        averages.update(step)
    mean = float(averages.mean["w"])
    assert min(values) - 1e-9 <= mean <= max(values) + 1e-9
