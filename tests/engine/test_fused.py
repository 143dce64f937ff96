"""Fused products are the plain ones: bit for bit with a bias alone, nearer to float32 with GELU."""

import pytest
import torch
import workbench
from torch import nn

import tiny_models
from bertune.model import copied_weights, fused

needs_bf16 = pytest.mark.skipif(not fused._available(), reason="no bf16 in this processor")


def drawn(tokens: int, inputs: int, outputs: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Values, a weight and a bias in bf16."""
    random = torch.Generator().manual_seed(tokens + inputs + outputs)
    shapes = [(tokens, inputs), (outputs, inputs), (outputs,)]
    return tuple(torch.randn(shape, generator=random).bfloat16() for shape in shapes)  # type: ignore[return-value]


@needs_bf16
@pytest.mark.parametrize("sizes", [(1, 8, 8), (33, 16, 48), (64, 384, 1536), (704, 384, 384)])
def test_a_product_with_its_bias_is_the_plain_one(sizes):
    values, weight, bias = drawn(*sizes)
    expected = nn.functional.linear(values.double(), weight.double(), bias.double())
    for given in (weight, fused.arranged(weight, len(values))):
        found = fused.product(values, given, bias)
        assert found.shape == expected.shape and found.dtype == torch.bfloat16
        plain = nn.functional.linear(values, weight, bias)
        error = (found.double() - expected).abs().max()
        assert error <= (plain.double() - expected).abs().max() * 1.01 + 1e-6


@needs_bf16
def test_gelu_is_no_further_from_the_exact_one_than_in_two_passes():
    values, weight, bias = drawn(128, 64, 256)
    exact = nn.functional.gelu(nn.functional.linear(values.double(), weight.double(), bias.double()))
    two = nn.functional.gelu(nn.functional.linear(values, weight, bias)).double()
    one = fused.product(values, fused.arranged(weight, 128), bias, with_gelu=True).double()
    assert (one - exact).norm() <= (two - exact).norm()


def test_other_types_and_devices_are_left_to_torch():
    values, weight, bias = (part.float() for part in drawn(5, 8, 8))
    assert not fused.serves(values)
    found = fused.product(values, weight, bias, with_gelu=True)
    assert torch.equal(found, nn.functional.gelu(nn.functional.linear(values, weight, bias)))


def test_only_gelu_itself_counts_as_gelu():
    from transformers.activations import ACT2FN

    assert fused.is_gelu(ACT2FN["gelu"]) and fused.is_gelu(nn.GELU())
    others = [ACT2FN["gelu_new"], ACT2FN["relu"], ACT2FN["gelu_python"], nn.GELU(approximate="tanh"), None]
    assert not any(fused.is_gelu(other) for other in others)


@needs_bf16
@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_answers_are_those_of_plain_products(tiny, sentences_csv, architecture, monkeypatch):
    made = workbench.bench(tiny(architecture), sentences_csv, {"training.precision": "bf16"})
    made.train(3)
    made.model.network.eval()
    batch = made.feed.portions(made.feed.begin(0)[0])[0]
    found = []
    for available in (True, False):
        monkeypatch.setattr(fused, "_available", lambda available=available: available)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16), copied_weights.unchanged_weights():
            found.append(made.model.answers(batch))
    exact = made.model.answers(batch).detach()
    assert (found[0] - exact).norm() <= 2 * (found[1] - exact).norm() + 1e-3 * exact.norm()


@needs_bf16
def test_learning_is_the_same_bit_for_bit(tiny, sentences_csv, monkeypatch):
    found = []
    for available in (True, False):
        monkeypatch.setattr(fused, "_available", lambda available=available: available)
        made = workbench.bench(tiny("bert"), sentences_csv, {"training.precision": "bf16"})
        made.train(4)
        found.append(made.weights())
    assert workbench.same_bytes(*found)
