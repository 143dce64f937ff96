"""Head-only training on stored encoder outputs: the same answers, the encoder once, and much faster."""

import numpy as np
import pytest
import torch
import workbench
from safetensors.torch import load_file
from workbench import STILL

import tiny_models
from bertune.engine.devices import compute
from bertune.model.cached import standing_in, why_not
from bertune.model.encoder import Model
from bertune.runs import build
from bertune.runs.telling import Silent
from bertune.runs.train import train

HEAD = {"model.train": "head", "optimizer.learning_rate": 1e-2}
QUICK = {"training.seeds": 1, "evaluation.baselines": False, "evaluation.suspects": False, "evaluation.resamples": 100,
         "evaluation.calibration": False}  # fmt: skip


def cached(made, teller=None):
    """The stored outputs of a workbench."""
    machine = compute(made.recipe.training)
    return build.encoded_once(made.recipe, made.model, made.stores, machine, lambda: None, teller or Silent())


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_the_answers_are_those_of_the_encoder(tiny, sentences_csv, architecture):
    made = workbench.bench(tiny(architecture), sentences_csv, HEAD)
    found = cached(made)
    assert found is not None
    made.model.network.eval()
    names = [name for name, _ in made.model.network.named_parameters()]
    for own, stored in ((made.stores.train, found.stores.train), (made.stores.valid, found.stores.valid)):
        for rows in (np.arange(8), np.array([7, 3, 3, 0])):
            with torch.no_grad():
                expected = made.model(own.batch(rows)).logits
                with standing_in(made.model, found.table):
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
    assert any("108 texts encoded once" in text for _, text in teller.heard)
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


def test_the_head_learns_as_it_does_without_the_table(tiny, sentences_csv, tmp_path, monkeypatch):
    """Without dropout the run gives the weights of the run whose encoder runs each time."""
    settings = {**QUICK, **HEAD, **STILL, "training.epochs": 2}
    recipe = workbench.recipe_of(tiny(), sentences_csv, settings)
    fast = train(recipe, tmp_path / "fast")
    monkeypatch.setattr("bertune.runs.build.why_not", lambda model, sample: "told so")
    teller = Silent()
    slow = train(recipe, tmp_path / "slow", teller=teller)
    assert ("warning", "the frozen encoder runs in every step: told so") in teller.heard
    one, two = (load_file(f.model / "model.safetensors") for f in (fast, slow))
    assert workbench.furthest(one, two) < 1e-3
    assert workbench.furthest(one, load_file(_fresh(recipe, tmp_path))) > 1e-2


def _fresh(recipe, tmp_path):
    changed = recipe.changed({"training.epochs": 0.001, "optimizer.learning_rate": 1e-12})
    return train(changed, tmp_path / "fresh").model / "model.safetensors"


def test_the_encoder_does_not_run(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, HEAD)
    found = cached(made)
    feed = build.feed_of(made.recipe, made.plan, found.stores.train, made.model, made.recipe.seed)
    runs = []
    made.model.base.register_forward_hook(lambda *_: runs.append(1))
    made.learner.update(made.feed.portions(made.feed.batches(0)[0]), 0)
    assert runs
    runs.clear()
    with standing_in(made.model, found.table):
        for step, rows in enumerate(feed.batches(0)):
            made.learner.update(feed.portions(rows), step)
    assert not runs


def test_a_head_that_reads_all_tokens_is_refused_and_told(tiny, sentences_csv, monkeypatch):
    made = workbench.bench(tiny("electra"), sentences_csv, HEAD)
    del made.model.base.forward  # else only the first token is computed: the head read no other when it was loaded
    head = made.model.network.classifier.forward
    made.model.network.classifier.forward = lambda states, **more: head(states.mean(1, keepdim=True), **more)
    with torch.no_grad():
        for parameter in made.model.network.parameters():
            parameter.mul_(4)
    teller = Silent()
    assert cached(made, teller) is None
    assert any("reads more than the first token" in text for _, text in teller.heard)


@pytest.mark.parametrize("settings", [{}, {"model.train": "top"}, {"model.unfreeze_per_epoch": 1}])
def test_nothing_is_stored_where_the_encoder_learns(tiny, sentences_csv, settings):
    made = workbench.bench(tiny(), sentences_csv, settings)
    assert cached(made) is None
    if not settings.get("model.unfreeze_per_epoch"):
        assert why_not(made.model, made.stores.train.batch(np.arange(4))) == "the encoder learns"


def test_too_many_texts_are_not_stored(tiny, sentences_csv, monkeypatch):
    monkeypatch.setattr("bertune.runs.build.MOST_BYTES", 1000)
    teller = Silent()
    assert cached(workbench.bench(tiny(), sentences_csv, HEAD), teller) is None
    assert any("too many to keep" in text for _, text in teller.heard)


def test_the_encoder_comes_back_after_an_error(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, HEAD)
    base = made.model.base
    with pytest.raises(KeyError), standing_in(made.model, torch.zeros(1, 32)):
        assert made.model.base is not base
        raise KeyError
    assert made.model.base is base and isinstance(made.model, Model)
