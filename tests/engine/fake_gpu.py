"""A device that knows shapes and precisions but no values; a program of its own: python fake_gpu.py FOLDER ..."""

import sys
from functools import wraps
from pathlib import Path

import torch
from torch import nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils import backend_registration as backends
from twins import batch_of

from bertune.base.types import Batch
from bertune.model import device_attention, packing, real_tokens
from bertune.model.device_attention import Bounded, Rectangle
from bertune.model.encoder import load

HEADS = ("sequence_classification", "token_classification", "question_answering", "sentence_embedding")
HALF = torch.bfloat16


class _Module(backends._DummyBackendModule):
    def get_amp_supported_dtype(self):
        return [HALF]


def main(folders):
    """Compute forward and backward pass of each model with each head in each way; raises where a value is asked for,
    where devices are mixed, and where the encoder computes its padded form."""
    backends._setup_privateuseone_for_python_backend("gpu", _Module())
    library = torch.library.Library("_", "IMPL")
    library.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")
    models = [load(f, head, ("bad", "good"), 1 if f.name == "roberta" else 0) for f in folders for head in HEADS]
    mode, gpu = FakeTensorMode(allow_non_fake_inputs=True), torch.device("gpu", 0)
    _patch(mode)
    for model in models:
        with mode:
            _move(model.network, gpu)
        model.base.forward.own = None
        for way in (Bounded, Rectangle):
            model.network.train(way.drops)
            model.base.forward.trusted = {(gpu, HALF): (way,)}
            for sizes in [(5, 9, 1), (16, 16)]:
                _learn(model, _batch(sizes, gpu, mode), mode)
    try:
        float(next(models[0].network.parameters()).detach().sum())
    except DataDependentOutputException:
        return
    raise AssertionError("reading a value must be seen")


def _learn(model, batch, mode):
    with torch.autocast("gpu", HALF):
        answers = model.answers(batch)
        logits = model.head.judged(answers, batch) if model.head.level == "token" else answers
    assert logits.device.type == "gpu" and logits.dtype == torch.float32
    with mode:
        logits.sum().backward()
    assert all(p.grad is None or p.grad.dtype == p.dtype for p in model.network.parameters())
    assert all(p.grad is not None for layer in model.layers() for p in layer.parameters())


def _batch(sizes, gpu, mode):
    batch = batch_of(sizes)
    with mode:
        ids, owner = torch.zeros(sum(sizes), dtype=torch.long, device=gpu), torch.zeros(len(sizes), device=gpu)
    return Batch(ids, batch.starts, owner, owner, batch.rows)


def _move(network, gpu):
    for module in network.modules():
        for name, p in module._parameters.items():
            if p is not None:
                module._parameters[name] = nn.Parameter(torch.empty(p.shape, device=gpu))
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = torch.zeros(buffer.shape, device=gpu, dtype=buffer.dtype)


def _patch(mode):
    def moved(values, device):
        with mode:
            return mode.from_tensor(values).to(device)

    for module in (packing, real_tokens, device_attention):
        module.moved = moved
    attend, norm = device_attention.scaled_dot_product_attention, real_tokens.layer_norm

    @wraps(attend)
    def inside(*given):
        with mode:
            return attend(*given)

    def strict(values, shape, weight, bias, eps):
        assert values.dtype == weight.dtype == bias.dtype, "a GPU takes one precision only"
        return norm(values, shape, weight, bias, eps)

    device_attention.scaled_dot_product_attention, real_tokens.layer_norm = inside, strict


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
