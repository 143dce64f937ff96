"""A model and its twin whose encoder has the forward of transformers: what both answer and learn."""

import copy

import numpy as np
import torch
import workbench

from bertune.base.types import Batch
from bertune.model.encoder import load

HEADS = ("sequence_classification", "token_classification", "sentence_embedding")


def model_of(folder, head="sequence_classification", changes=None):
    """A model whose weights are large enough that tokens which see each other show."""
    quiet = {"dropout": 0.0, "attention_dropout": 0.0} if changes is None else changes
    made = load(folder, head, ("bad", "good"), pad_id=0 if folder.name != "roberta" else 1, config=quiet)
    with torch.no_grad():
        for parameter in made.network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)
    return made


def padded(model):
    """The same with the encoder's own forward."""
    twin = copy.copy(model)
    twin.network = workbench.padded(model.network)
    return twin


def batch_of(sizes, seed=0):
    """Texts of these sizes."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, 40, (sum(sizes),), generator=generator)
    starts = torch.tensor([0, *np.cumsum(sizes).tolist()])
    rows = np.arange(len(sizes))
    return Batch(ids, starts, torch.arange(len(sizes)), torch.zeros(len(sizes), dtype=torch.long), rows)


def learnt(model, batch):
    """The answers to a batch, and what a loss of all of them teaches each weight."""
    model.network.zero_grad()
    answers = model.answers(batch)
    (answers * torch.linspace(-1, 1, answers.numel()).view_as(answers)).sum().backward()
    return answers.detach(), {n: p.grad.clone() for n, p in model.network.named_parameters() if p.grad is not None}


def assert_alike(model, batch):
    """Fails where answers or gradients of a model are not those of its padded twin."""
    (own, own_gradients), (theirs, their_gradients) = learnt(model, batch), learnt(padded(model), batch)
    torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-4)
    assert own_gradients.keys() == {n for n, g in their_gradients.items() if n in own_gradients or g.any()}
    for name, gradient in own_gradients.items():
        most = float(their_gradients[name].abs().max()) + 1e-3
        torch.testing.assert_close(gradient / most, their_gradients[name] / most, rtol=0, atol=2e-4, msg=name)
