"""Training on stored states of what is frozen: the same answers, the frozen layers once, and much faster."""

import numpy as np
import pytest
import torch
import workbench
from safetensors.torch import load_file
from workbench import STILL

import tiny_models
from bertune.engine.devices import compute
from bertune.model.cached import FirstTokens, LowerLayers, cache_of, frozen_layers
from bertune.model.encoder import Model
from bertune.runs import build, caching
from bertune.runs.telling import Silent
from bertune.runs.train import train

HEAD = {"model.train": "head", "optimizer.learning_rate": 1e-2}
TOP = {"model.train": "top", "model.top_layers": 1, "optimizer.learning_rate": 1e-2}
QUICK = {"training.seeds": 1, "evaluation.baselines": False, "evaluation.suspects": False, "evaluation.resamples": 100,
         "evaluation.calibration": False}  # fmt: skip


def cached(made, teller=None):
    """The stored states of a workbench."""
    machine = compute(made.recipe.training)
    found = caching.cached(made.recipe, made.model, made.plan, made.stores, machine, teller or Silent())
    if found is not None:
        found.fill(made.recipe, machine, lambda: None)
    return found


@pytest.mark.parametrize("settings, kind", [(HEAD, FirstTokens), (TOP, LowerLayers)], ids=["head", "top"])
@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_the_answers_are_those_of_the_encoder(tiny, sentences_csv, architecture, settings, kind):
    made = workbench.bench(tiny(architecture), sentences_csv, settings)
    found = cached(made)
    assert found is not None and isinstance(found.cache, kind)
    made.model.network.eval()
    names = [name for name, _ in made.model.network.named_parameters()]
    for own, stored in ((made.stores.train, found.stores.train), (made.stores.valid, found.stores.valid)):
        for rows in (np.arange(8), np.array([7, 3, 3, 0])):
            with torch.no_grad():
                expected = made.model(own.batch(rows)).logits
                with found.standing_in():
                    logits = made.model(stored.batch(rows)).logits
            torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
            assert torch.equal(stored.batch(rows).targets, own.batch(rows).targets)
    assert [name for name, _ in made.model.network.named_parameters()] == names


def test_the_stored_rows_come_in_the_same_order(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, HEAD)
    again = build.feed_of(made.recipe, made.plan, cached(made).stores.train, made.model, made.recipe.seed)
    for epoch in range(2):
        for one, two in zip(made.feed.batches(epoch), again.batches(epoch), strict=True):
            assert np.array_equal(one, two)


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_a_run_encodes_each_text_once_and_freezes_the_encoder(tiny, sentences_csv, tmp_path, architecture, monkeypatch):
    seen = []
    network = build.network

    def watched(*arguments):
        model = network(*arguments)
        model.base.register_forward_pre_hook(
            lambda module, args, kwargs: seen.append(len(args[0] if args else kwargs["input_ids"])), with_kwargs=True
        )
        return model

    monkeypatch.setattr("bertune.runs.build.network", watched)
    settings = {**QUICK, **HEAD, "training.epochs": 6, "evaluation.early_stopping": False}
    teller = Silent()
    recipe = workbench.recipe_of(tiny(architecture), sentences_csv, settings)
    folder = train(recipe, tmp_path / "run", teller=teller)
    split = folder.record()["split"]
    assert any("the encoder computed once for 108 texts" in text for _, text in teller.heard)
    looks = 2 * 8 + 8  # the eight texts on which caching is tried: whole, and their states
    once = split["train"] + split["valid"]
    scored = split["valid"] + split["test"]
    assert sum(seen) <= once + scored + looks
    before, after = load_file(tiny(architecture) / "model.safetensors"), load_file(folder.model / "model.safetensors")
    inside = [(n, m) for n in before for m in after if m.endswith("." + n) and "pooler" not in n]
    assert len(inside) >= len(before) - 2
    assert all(torch.equal(before[n], after[m]) for n, m in inside), "the frozen encoder moved"
    history = folder.history.read_text(encoding="utf-8")
    assert '"evaluated"' in history
    assert folder.record()["stopped"] == "all steps made"


LAYER_1 = {**HEAD, "model.freeze": ["*.layer.0.*", "*embeddings*"], "model.train": "all"}


@pytest.mark.parametrize("learns", [HEAD, TOP, LAYER_1], ids=["head", "top", "by name"])
def test_what_learns_learns_as_it_does_without_the_table(tiny, sentences_csv, tmp_path, monkeypatch, learns):
    """Without dropout the run gives the weights of the run whose encoder runs each time."""
    settings = {**QUICK, **STILL, **learns, "training.epochs": 2}
    recipe = workbench.recipe_of(tiny(), sentences_csv, settings)
    fast = train(recipe, tmp_path / "fast")
    monkeypatch.setattr("bertune.runs.caching.cache_of", lambda *_: None)
    teller = Silent()
    slow = train(recipe, tmp_path / "slow", teller=teller)
    assert any("what is frozen runs in every step" in text for _, text in teller.heard)
    one, two, start = (read(f.model / "model.safetensors") for f in (fast, slow, _fresh(recipe, tmp_path)))
    assert workbench.furthest(one, two) < 1e-3
    assert workbench.furthest(one, start) > 1e-2


def read(path):
    """Saved weights, without the biases of keys: attention does not depend on them, and Adam moves them by rounding."""
    return {name: tensor for name, tensor in load_file(path).items() if "key.bias" not in name}


def _fresh(recipe, tmp_path):
    changed = recipe.changed({"training.epochs": 0.001, "optimizer.learning_rate": 1e-12})
    return train(changed, tmp_path / "fresh")


def test_the_encoder_does_not_run(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, HEAD)
    found = cached(made)
    feed = build.feed_of(made.recipe, made.plan, found.stores.train, made.model, made.recipe.seed)
    runs = []
    made.model.base.register_forward_hook(lambda *_: runs.append(1))
    made.learner.update(made.feed.portions(made.feed.batches(0)[0]), 0)
    assert runs
    runs.clear()
    with found.standing_in():
        for step, rows in enumerate(feed.batches(0)):
            made.learner.update(feed.portions(rows), step)
    assert not runs


def test_a_head_that_reads_all_tokens_gets_the_states_of_all(tiny, sentences_csv):
    made = workbench.bench(tiny("electra"), sentences_csv, HEAD)
    made.model.base.forward.head_reads_first = False  # it was seen to when it was loaded
    head = made.model.network.classifier.forward
    made.model.network.classifier.forward = lambda states, **more: head(states.mean(1, keepdim=True), **more)
    with torch.no_grad():
        for parameter in made.model.network.parameters():
            parameter.mul_(4)
    found = cached(made)
    assert isinstance(found.cache, LowerLayers) and found.cache.count == 2
    made.model.network.eval()
    rows = np.arange(6)
    with torch.no_grad():
        expected = made.model(made.stores.train.batch(rows)).logits
        with found.standing_in():
            logits = made.model(found.stores.train.batch(rows)).logits
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


def test_the_lower_layers_do_not_run(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, TOP)
    found, runs = cached(made), []
    feed = build.feed_of(made.recipe, made.plan, found.stores.train, made.model, made.recipe.seed)
    lower = made.model.layers()[0]
    for module in lower.modules():
        for parameter in module.parameters(recurse=False):
            torch.nn.init.constant_(parameter, float("nan"))  # whoever read them would answer nothing else
    made.model.base.embeddings.register_forward_hook(lambda *_: runs.append(1))
    with found.standing_in():
        losses = [made.learner.update(feed.portions(rows), step).loss for step, rows in enumerate(feed.batches(0))]
    assert not runs and np.isfinite(losses).all()


@pytest.mark.parametrize("settings, count", [
    ({}, 0), (TOP, 1), ({"model.train": "top", "model.top_layers": 2}, 0), (HEAD, 2),
    ({"model.freeze": ["*.layer.0.*"]}, 0), ({"model.freeze": ["*embeddings*", "*.layer.0.*"]}, 1),
    ({"model.freeze": ["*embeddings*", "*.layer.1.*"]}, 0), ({"model.train": "lora"}, 0),
    ({"model.unfreeze_per_epoch": 1, "training.epochs": 2}, 1),
    ({"model.unfreeze_per_epoch": 1, "training.epochs": 4}, 0),
])  # fmt: skip
def test_how_many_layers_never_learn(tiny, sentences_csv, settings, count):
    made = workbench.bench(tiny(), sentences_csv, settings)
    learning = build.ever_learning(made.model, made.recipe, int(made.plan.epochs))
    assert frozen_layers(made.model, learning) == count


@pytest.mark.parametrize("settings", [{}, {"model.train": "lora"}, {"model.unfreeze_per_epoch": 2}])
def test_nothing_is_stored_where_the_encoder_learns(tiny, sentences_csv, settings):
    made, teller = workbench.bench(tiny(), sentences_csv, {**settings, "training.epochs": 4}), Silent()
    assert cached(made, teller) is None and not teller.heard


@pytest.mark.parametrize("settings", [HEAD, TOP])
def test_too_many_states_are_not_stored(tiny, sentences_csv, monkeypatch, settings):
    monkeypatch.setattr("bertune.runs.caching.MOST_BYTES", 1000)
    teller = Silent()
    assert cached(workbench.bench(tiny(), sentences_csv, settings), teller) is None
    assert any("too many to keep" in text for _, text in teller.heard)


def test_a_cache_that_answers_otherwise_is_refused(tiny, sentences_csv, monkeypatch):
    made = workbench.bench(tiny(), sentences_csv, TOP)
    learning = build.ever_learning(made.model, made.recipe, 1)
    batch = made.stores.train.batch(np.arange(4))
    assert isinstance(cache_of(made.model, learning, batch), LowerLayers)
    states = LowerLayers.states
    monkeypatch.setattr(LowerLayers, "states", lambda self, batch: states(self, batch) + 0.1 * torch.randn(1, 32))
    assert cache_of(made.model, learning, batch) is None


@pytest.mark.parametrize("settings", [HEAD, TOP])
def test_the_encoder_comes_back_after_an_error(tiny, sentences_csv, settings):
    made = workbench.bench(tiny("electra"), sentences_csv, settings)
    found, names = cached(made), [name for name, _ in made.model.network.named_modules()]
    modules = {id(module) for module in made.model.network.modules()}
    with pytest.raises(KeyError), found.standing_in():
        assert {id(module) for module in made.model.network.modules()} != modules
        raise KeyError
    assert [name for name, _ in made.model.network.named_modules()] == names
    assert {id(module) for module in made.model.network.modules()} == modules and isinstance(made.model, Model)
