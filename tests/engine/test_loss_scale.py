"""fp16: small gradients do not vanish, large ones cost an update and no run, and the weights are those of float32."""

import math

import pytest
import torch
import workbench

import tiny_models
from bertune.engine import devices
from bertune.engine.loss_scale import GROWS_AFTER, LossScale

HALF = {"training.precision": "fp16", **workbench.STILL}
LARGE = 2.0**100


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_gradients_are_those_of_float32(tiny, sentences_csv, architecture):
    found = []
    for settings in (workbench.STILL, HALF):
        made = workbench.bench(tiny(architecture), sentences_csv, {**settings, "optimizer.name": "sgd",
                                                                   "training.averaging": "none"})  # fmt: skip
        start = made.weights()
        made.train(1)
        found.append(torch.cat([(now - start[name]).flatten() for name, now in made.weights().items()]))
    exact, half = found
    assert exact.norm() > 0
    assert (half - exact).norm() < 0.02 * exact.norm()


def test_gradients_that_float16_cannot_hold_are_not_lost(tiny, sentences_csv):
    """A loss that is small by a factor teaches the same direction: without the scale nothing of it is left."""
    moved = {}
    for factor in (LossScale().factor, 1.0):
        made = workbench.bench(tiny(), sentences_csv, {**HALF, "optimizer.name": "sgd", "training.averaging": "none"})
        (loss,) = made.learner.losses

        def small(logits, targets, loss=loss):
            terms = loss(logits, targets)
            return type(terms)(terms.values * 1e-5, terms.weights)

        made.learner.losses = [small]
        made.learner.loss_scale.factor = factor
        made.learner.update(made.feed.portions(made.feed.begin(0)[0]), 0)
        gradients = {name: p.grad for name, p in made.model.network.named_parameters() if p.grad is not None}
        deep = next(g for name, g in gradients.items() if "layer.0.output.dense.weight" in name)
        moved[factor] = float((deep == 0).float().mean())
    assert moved[1.0] > 0.5 > moved[LossScale().factor]


def test_too_large_a_scale_costs_updates_and_leaves_the_weights(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, HALF)
    made.learner.loss_scale.factor = LARGE
    start = made.weights()
    update = made.learner.update(made.feed.portions(made.feed.begin(0)[0]), 0)
    assert math.isfinite(update.loss) and not math.isfinite(update.gradient_norm)
    assert made.learner.loss_scale.factor == LARGE / 2
    assert workbench.same_bytes(start, made.weights())


def test_a_loss_that_is_not_finite_is_told_when_no_scale_is_left_to_halve(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, HALF)
    made.learner.loss_scale.factor = 1.0
    (loss,) = made.learner.losses
    made.learner.losses = [lambda logits, targets: loss(logits * math.nan, targets)]
    assert math.isnan(made.learner.update(made.feed.portions(made.feed.begin(0)[0]), 0).loss)


def test_the_scale_grows_after_many_finite_updates_and_halves_at_each_that_is_not():
    scale = LossScale(8.0)
    assert not any(scale.seen(1.0) for _ in range(GROWS_AFTER - 1))
    assert scale.factor == 8.0
    assert not scale.seen(1.0) and scale.factor == 16.0
    assert [scale.seen(math.inf) for _ in range(5)] == [True] * 4 + [False]
    assert scale.factor == 1.0


@pytest.mark.parametrize(
    ("bf16", "capability", "expected"), [(True, (8, 0), "bf16"), (False, (7, 5), "fp16"), (False, (6, 1), "fp32")]
)
def test_a_gpu_without_bf16_gets_fp16_where_that_is_fast(monkeypatch, bf16, capability, expected):
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
    assert devices.fast_precision(torch.device("cuda")) == expected


def test_a_processor_never_gets_fp16_unasked(monkeypatch):
    monkeypatch.setattr(devices, "has_bf16", lambda device: False)
    assert devices.fast_precision(torch.device("cpu")) == "fp32"
