"""Layers that are computed anew for their gradients teach exactly what kept ones teach, and take less memory."""

import pytest
import torch
import workbench

import tiny_models
from bertune.base.errors import ModelError
from bertune.model.real_tokens import recompute_layers


class Noted(torch.autograd.graph.saved_tensors_hooks):
    """While entered, counts the numbers that are kept for gradients."""

    def __init__(self):
        self.numbers = 0
        super().__init__(self.note, lambda tensor: tensor)

    def note(self, tensor):
        self.numbers += tensor.numel()
        return tensor


FAST = {"optimizer.learning_rate": 1e-2}
ANEW = {**FAST, "training.gradient_checkpointing": True}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_the_same_weights_come_of_it_with_dropout(tiny, sentences_csv, architecture, precision):
    found = []
    for settings in (FAST, ANEW):
        made = workbench.bench(tiny(architecture), sentences_csv, {**settings, "training.precision": precision})
        made.train(4)
        found.append(made.weights())
    assert workbench.same_bytes(*found)


@pytest.mark.parametrize("more", [{"model.train": "top", "model.top_layers": 1}, {"model.train": "lora"}])
def test_with_frozen_weights_too(tiny, sentences_csv, more):
    found = []
    for settings in (FAST, ANEW):
        made = workbench.bench(tiny(), sentences_csv, {**settings, **more})
        made.train(3)
        found.append(made.weights())
    assert workbench.same_bytes(*found)


def test_what_layers_compute_is_not_kept(tiny, sentences_csv):
    kept = []
    for settings in (FAST, ANEW):
        made = workbench.bench(tiny(), sentences_csv, settings)
        batch = made.feed.portions(made.feed.begin(0)[0])[0]
        made.model.network.train()
        noted = Noted()
        with noted:
            made.model.answers(batch)
        kept.append(noted.numbers)
    assert kept[1] < kept[0] / 2


def test_an_architecture_that_cannot_is_refused():
    class Rigid:
        supports_gradient_checkpointing = False

    with pytest.raises(ModelError, match="keeps what its layers compute"):
        recompute_layers(Rigid())
