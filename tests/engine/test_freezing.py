"""What learns is what the recipe says; what does not learn stays the same byte for byte."""

import pytest
import torch
import workbench

import tiny_models
from bertune.base.errors import ModelError
from bertune.model.freezing import freeze, reinitialize

LAYERS = {"bert": "bert.encoder.layer.", "distilbert": "distilbert.transformer.layer.",
          "roberta": "roberta.encoder.layer.", "electra": "electra.encoder.layer."}  # fmt: skip
EMBEDDINGS = {"bert": "bert.embeddings.", "distilbert": "distilbert.embeddings.", "roberta": "roberta.embeddings.",
              "electra": "electra.embeddings"}  # fmt: skip
FAST = {"optimizer.learning_rate": 1e-2, "optimizer.weight_decay": 0.1}


def learning(model) -> set[str]:
    """The names of the parameters that learn."""
    return {name for name, p in model.network.named_parameters() if p.requires_grad}


def expected(model, architecture: str, deepest: int) -> set[str]:
    """The names within `deepest` of the head, told from the names alone: 0 head … 3 embeddings."""
    names = set()
    for name, _ in model.network.named_parameters():
        if name.startswith(LAYERS[architecture]):
            depth = 2 - int(name.removeprefix(LAYERS[architecture]).split(".")[0])
        else:
            depth = 3 if name.startswith(EMBEDDINGS[architecture]) else 0
        if depth <= deepest:
            names.add(name)
    return names


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
@pytest.mark.parametrize(
    "settings, deepest",
    [({}, 3), ({"model.train": "head"}, 0), ({"model.train": "top", "model.top_layers": 1}, 1),
     ({"model.train": "top", "model.top_layers": 2}, 2)],
    ids=["all", "head", "top 1", "top 2"],
)  # fmt: skip
def test_what_learns_moves_and_the_rest_stays(tiny, sentences_csv, architecture, settings, deepest):
    made = workbench.bench(tiny(architecture), sentences_csv, {**FAST, **settings})
    wanted = expected(made.model, architecture, deepest)
    assert learning(made.model) == wanted and wanted
    start = made.weights()
    made.train(3)
    now = made.weights()
    for name, parameter in made.model.network.named_parameters():
        if name not in wanted:
            assert torch.equal(now[name], start[name]), f"{name} is frozen but moved"
        elif parameter.grad is not None and parameter.grad.abs().sum() > 0:
            assert not torch.equal(now[name], start[name]), f"{name} learns but stayed"


def test_patterns(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {**FAST, "model.freeze": ["*embeddings*", "*.layer.0.*"]})
    frozen = {n for n, _ in made.model.network.named_parameters() if "embeddings" in n or ".layer.0." in n}
    everything = {n for n, _ in made.model.network.named_parameters()}
    assert frozen and learning(made.model) == everything - frozen
    start = made.weights()
    made.train(2)
    assert all(torch.equal(made.weights()[n], start[n]) for n in frozen)


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"model.freeze": ["*embedings*"]}, "embedings"),
        ({"model.freeze": ["*"]}, "nothing can learn"),
        ({"model.train": "top", "model.top_layers": 3}, "at most 2 layers"),
        ({"model.reinitialize_top": 5}, "at most 2 layers"),
    ],
)
def test_what_cannot_be_is_refused(tiny, sentences_csv, settings, told):
    with pytest.raises(ModelError, match=told):
        workbench.bench(tiny(), sentences_csv, settings)


def test_layers_are_set_free_epoch_by_epoch(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {**FAST, "model.unfreeze_per_epoch": 1, "training.epochs": 5})
    per_epoch = made.feed.steps_per_epoch
    for epoch in range(5):
        start = made.weights()
        made.train(2, epoch * per_epoch)
        wanted = expected(made.model, "bert", min(epoch, 3))
        assert learning(made.model) == wanted, f"epoch {epoch}"
        changed = {n for n, tensor in made.weights().items() if not torch.equal(tensor, start[n])}
        named = {n for n, _ in made.model.network.named_parameters()}
        assert changed & named <= wanted, f"frozen weights moved in epoch {epoch}"
        assert any("classifier" in n for n in changed)
        if epoch:
            assert any(".layer.1." in n for n in changed)


def test_reinitialised_layers_are_fresh_and_seeded(tiny, sentences_csv):
    plain = workbench.bench(tiny(), sentences_csv).model
    before = {n: t.clone() for n, t in plain.network.state_dict().items()}
    top = {n for n in before if ".layer.1." in n}
    for module in plain.layers()[1].modules():
        if isinstance(module, torch.nn.LayerNorm):
            torch.nn.init.constant_(module.weight, 3.0)
    reinitialize(plain, 1, seed=5)
    now = {n: t.clone() for n, t in plain.network.state_dict().items()}
    assert all(torch.equal(now[n], before[n]) for n in before if n not in top)
    for name in top:
        if name.endswith("bias"):
            assert not now[name].any(), name
        elif "LayerNorm" in name:
            assert torch.equal(now[name], torch.ones_like(now[name])), name
        else:
            assert not torch.equal(now[name], before[name])
            assert 0.015 < float(now[name].std()) < 0.025, "the spread of config.initializer_range, 0.02"
    reinitialize(plain, 1, seed=5)
    assert all(torch.equal(t, now[n]) for n, t in plain.network.state_dict().items())
    reinitialize(plain, 1, seed=6)
    assert not torch.equal(plain.network.state_dict()[min(n for n in top if "weight" in n and "Norm" not in n)],
                           now[min(n for n in top if "weight" in n and "Norm" not in n)])  # fmt: skip


def test_freezing_is_undone_by_freezing_anew(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv)
    everything = learning(made.model)
    freeze(made.model, workbench.recipe_of(tiny(), sentences_csv, {"model.train": "head"}).model)
    assert learning(made.model) < everything
    freeze(made.model, made.recipe.model)
    assert learning(made.model) == everything
