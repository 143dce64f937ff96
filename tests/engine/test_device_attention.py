"""Real tokens on a GPU, as far as processors can tell: torch's kernel for texts of any length has a stand-in here."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import fake_gpu
import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention
from twins import HEADS, assert_alike, batch_of, learnt, model_of, padded

import tiny_models
from bertune.model import device_attention, packing, trust
from bertune.model.device_attention import Bounded, Rectangle
from bertune.model.real_tokens import first_tokens, ways

CPU = torch.device("cpu")
WAYS = (Bounded, Rectangle)
PATHS = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def by_text(q, k, v, begin_q, begin_k, most_q, most_k, seen=0):
    """What the kernel gives, text by text: beyond the last one no number, in what is given and in its gradients.

    `seen` is how many tokens of the next text each sees.
    """
    ends_q, ends_k = begin_q.tolist(), begin_k.tolist()
    assert begin_q.dtype == begin_k.dtype == torch.int32 and len(ends_q) == len(ends_k)
    assert most_q == max(begin_q.diff().tolist()) and most_k == max(begin_k.diff().tolist())
    k, v = (_without_numbers_beyond(values, ends_k[-1]) for values in (k, v))
    found = []
    for a, b, c, d in zip(ends_q, ends_q[1:], ends_k, ends_k[1:], strict=False):
        parts = [q[a:b], k[c : d + seen], v[c : d + seen]]
        found.append(scaled_dot_product_attention(*(part.float().transpose(0, 1) for part in parts)).transpose(0, 1))
    whole = torch.cat(found).to(q.dtype)
    return torch.cat([whole, torch.full_like(q[len(whole) :], torch.nan)])


def _without_numbers_beyond(values, end):
    given = values.clone()
    if given.requires_grad:
        beyond = torch.arange(len(values))[:, None, None] >= end
        given.register_hook(lambda gradient: gradient.masked_fill(beyond, torch.nan))
    return given


@pytest.fixture(autouse=True)
def kernel(monkeypatch):
    monkeypatch.setattr(device_attention, "varlen_attn", by_text)


def attending(model, *trusted):
    """The model, its texts attending in these ways alone."""
    model.base.forward.trusted = dict.fromkeys([(CPU, precision) for precision in trust.PRECISIONS], trusted)
    return model


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_answers_and_gradients_are_those_of_the_padded_encoder(tiny, architecture, head, way):
    model = attending(model_of(tiny(architecture), head), way)
    for sizes in [(5, 9, 1, 9), (8, 8, 8, 8), (1, 19, 18, 17, 16, 3)]:
        assert_alike(model, batch_of(sizes))


@pytest.mark.parametrize("way", WAYS)
def test_the_comparison_sees_a_text_that_reads_another(tiny, monkeypatch, way):
    monkeypatch.setattr(device_attention, "varlen_attn", partial(by_text, seen=1))
    monkeypatch.setattr(device_attention, "scaled_dot_product_attention",
                        lambda q, k, v, seen, drop: scaled_dot_product_attention(q, k, v))  # fmt: skip
    model, batch = attending(model_of(tiny("bert"), "token_classification"), way), batch_of((5, 9, 2))
    assert float((learnt(model, batch)[0] - learnt(padded(model), batch)[0]).abs().max()) > 1e-3


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("way", WAYS)
def test_half_precision_is_near_that_of_the_padded_encoder(tiny, way, precision):
    model, batch = attending(model_of(tiny("bert")), way), batch_of((5, 9, 2, 9))
    with torch.no_grad(), torch.autocast("cpu", precision):
        torch.testing.assert_close(model.answers(batch), padded(model).answers(batch), rtol=0.03, atol=0.03)


def test_weights_are_dropped_where_the_settings_say_so(tiny):
    model = attending(model_of(tiny("bert"), changes={"dropout": 0.0, "attention_dropout": 0.1}), *WAYS)
    real, batch = model.base.forward, batch_of((5, 9, 2))
    model.network.train()
    assert real.way(CPU) is Rectangle, "the kernel has no dropout"
    assert not torch.equal(model.answers(batch), model.answers(batch))
    model.network.eval()
    assert real.way(CPU) is Bounded
    still = attending(model_of(tiny("bert")), *WAYS)
    still.network.train()
    assert still.base.forward.way(CPU) is Bounded
    attending(model, Bounded).network.train()
    assert real.way(CPU) is None, "rather the padded encoder than other dropout than was asked for"


def test_dropped_weights_keep_the_mean():
    torch.manual_seed(0)
    projected = torch.randn(16, 3 * 12)
    attend = Rectangle((5, 9), 16, 3, CPU)
    drawn = torch.stack([attend(projected, 0.25) for _ in range(2_000)])
    torch.testing.assert_close(drawn.mean(0), attend(projected, 0.0), rtol=0, atol=0.12)
    assert float(drawn.std(0)[:14].min()) > 0 and not drawn[:, 14:].any()


def test_a_way_without_dropout_refuses_it():
    with pytest.raises(ValueError, match="no dropout"):
        Bounded((4,), 4, 1, CPU)(torch.zeros(4, 24), 0.1)


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_a_device_that_answers_the_same_is_trusted(tiny, monkeypatch, architecture):
    model = model_of(tiny(architecture))
    monkeypatch.setattr(trust, "ways", lambda kind, precision: WAYS)
    model.network.train()
    state = torch.random.get_rng_state()
    trust.trust(model.network, CPU, model.pad_id)
    assert model.base.forward.trusted == dict.fromkeys([(CPU, p) for p in trust.PRECISIONS], WAYS)
    assert model.network.training and torch.equal(state, torch.random.get_rng_state())
    assert not any(p.grad is not None for p in model.network.parameters())


def _fails(*arguments):
    raise RuntimeError("FlashAttention only supports Ampere GPUs or newer.")


def _no_gradient(q, k, v, *bounds):
    return by_text(q, k, v.detach(), *bounds)


def _wrong_for_one_query(q, k, v, begin_q, begin_k, most_q, most_k):
    return by_text(q, k, v, begin_q, begin_k, most_q, most_k, seen=most_q == 1)


@pytest.mark.parametrize("broken", [_fails, _no_gradient, _wrong_for_one_query, partial(by_text, seen=1)])
def test_a_device_that_does_not_is_not(tiny, monkeypatch, caplog, broken):
    model, batch = model_of(tiny("bert")), batch_of((5, 9, 2))
    monkeypatch.setattr(trust, "ways", lambda kind, precision: (Bounded,))
    monkeypatch.setattr(device_attention, "varlen_attn", broken)
    trust.trust(model.network, CPU, model.pad_id)
    assert set(model.base.forward.trusted.values()) == {()} and "padded batches are computed there" in caplog.text
    assert torch.equal(model.answers(batch), padded(model).answers(batch))


def test_what_fails_later_falls_back_and_says_so(tiny, monkeypatch, caplog):
    model, batch = attending(model_of(tiny("bert")), *WAYS), batch_of((5, 9, 2))
    monkeypatch.setattr(device_attention, "varlen_attn", _fails)
    assert torch.equal(model.answers(batch), padded(model).answers(batch))
    assert "Ampere" in caplog.text and model.base.forward.trusted[CPU, torch.float32] == (Rectangle,)
    assert_alike(model, batch)

    def full(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    attending(model, Bounded)
    monkeypatch.setattr(device_attention, "varlen_attn", full)
    with pytest.raises(torch.OutOfMemoryError):
        model.answers(batch)  # the loop makes smaller portions of it


def test_what_is_tried_on_which_device():
    assert ways("cuda", torch.bfloat16) == WAYS and ways("cuda", torch.float32) == (Rectangle,)
    assert ways("mps", torch.float32) == () and Bounded not in ways("cpu", torch.bfloat16)


def test_sizes_are_those_of_the_mask_that_is_given():
    given = packing.pad(batch_of((2, 4)), 0)
    ids, mask = given["input_ids"], given["attention_mask"]
    assert packing.sizes_of(ids, mask) == [2, 4] == packing.sizes_of(ids[:, None], mask[:, None].view(-1, 4))
    assert packing.sizes_of(ids, torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]])) == [3, 1]
    assert packing.sizes_of(ids, None) == [4, 4]
    packing.pad(batch_of((4, 4)), 0)
    assert packing.sizes_of(ids, mask) == [2, 4]


def test_packed_undoes_pad_and_refuses_another_form():
    batch = batch_of((2, 4, 1))
    padded_ids = packing.pad(batch, 0)["input_ids"]
    assert torch.equal(packing.packed(padded_ids, batch), batch.ids)
    with first_tokens(), pytest.raises(ValueError, match="expected 3 texts of up to 4 tokens, found 3 of 1"):
        packing.packed(padded_ids[:, :1], batch)


@pytest.mark.parametrize("place, device, pinned", [("cpu", "cuda", 1), ("cuda", "cuda", 0), ("cpu", "mps", 0)])
def test_what_lies_on_the_processor_is_pinned_for_a_gpu(place, device, pinned):
    values = Mock(device=torch.device(place))
    values.pin_memory.return_value = values
    packing.moved(values, torch.device(device))
    assert values.pin_memory.call_count == pinned
    values.to.assert_called_once_with(torch.device(device), non_blocking=True)


def test_starts_stay_on_the_processor():
    batch = packing.to_device(batch_of((2, 4)), torch.device("meta"))
    assert batch.starts.device == CPU and {batch.ids.device.type, batch.owner.device.type} == {"meta"}


@pytest.mark.slow
def test_nothing_on_a_device_is_waited_for(tiny):
    """On a device that has shapes but no values, forward and backward pass run through: who read a value would fail."""
    folders = [str(tiny(architecture)) for architecture in tiny_models.ARCHITECTURES]
    command = [sys.executable, str(Path(fake_gpu.__file__)), *folders]
    done = subprocess.run(
        command, check=False, timeout=300, capture_output=True, text=True, env={**os.environ, **PATHS}
    )
    assert done.returncode == 0, done.stderr[-4000:]
