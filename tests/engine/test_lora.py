"""LoRA: only thin matrices and the head learn, both forwards agree, and what is saved is a plain model."""

import json

import pytest
import torch
import workbench
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import tiny_models
from bertune.api import Run
from bertune.base.errors import MissingExtra
from bertune.model import lora
from bertune.model.lora import MARK, merge
from bertune.runs.ask import ask
from bertune.runs.train import train

FAST = {"optimizer.learning_rate": 1e-2, "model.train": "lora", "model.lora_rank": 4}


def weights_of(model) -> dict[str, torch.Tensor]:
    """Copies of all weights by name."""
    return {name: p.detach().clone() for name, p in model.network.named_parameters()}


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_thin_matrices_and_head_learn_and_nothing_else(tiny, sentences_csv, architecture):
    made = workbench.bench(tiny(architecture), sentences_csv, FAST)
    head = {name for name, depth in made.model.depths().items() if depth == 0}
    learning = {name for name, p in made.model.named_parameters() if p.requires_grad}
    thin = {name for name in learning if MARK in name}
    per_layer = {layer for layer in range(2) if any(f".{layer}." in name for name in thin)}
    assert learning == head | thin and per_layer == {0, 1}
    start = weights_of(made.model)
    made.train(3)
    moved = {name for name, p in made.model.named_parameters() if not torch.equal(p, start[name])}
    assert moved <= learning and any(MARK in name for name in moved)


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_real_tokens_and_the_padded_encoder_answer_and_learn_the_same(tiny, sentences_csv, architecture):
    still = {"model.dropout": 0.0, "model.attention_dropout": 0.0, "model.head_dropout": 0.0}
    made = workbench.bench(tiny(architecture), sentences_csv, {**FAST, **still})
    made.train(5)  # the second matrices are 0 before
    batch = made.feed.portions(made.feed.begin(0)[0])[0]
    made.model.network.eval()
    found = []
    for network in (made.model.network, workbench.padded(made.model.network)):
        made.model.network = network
        network.zero_grad()
        answers = made.model.answers(batch)
        answers.square().sum().backward()
        found.append((answers.detach(), [p.grad for n, p in network.named_parameters() if MARK in n]))
    (own, own_gradients), (theirs, their_gradients) = found
    torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-4)
    for one, other in zip(own_gradients, their_gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_merged_weights_answer_as_the_two_did(tiny, sentences_csv, architecture):
    made = workbench.bench(tiny(architecture), sentences_csv, FAST)
    plain = {name.replace(".base_layer", "") for name, _ in made.model.named_parameters() if MARK not in name}
    made.train(5)
    batch = made.feed.portions(made.feed.begin(0)[0])[0]
    made.model.network.eval()
    with torch.no_grad():
        before = made.model.answers(batch)
        merge(made.model)
        torch.testing.assert_close(made.model.answers(batch), before, rtol=1e-4, atol=1e-5)
    assert {name for name, _ in made.model.named_parameters()} == plain


def test_a_run_saves_a_plain_model(tiny, sentences_csv, tmp_path):
    settings = ["model.train=lora", "training.epochs=2", "training.seeds=1", "optimizer.learning_rate=0.01"]
    folder = train(ask({"data": str(sentences_csv), "model": str(tiny("bert"))}, settings), tmp_path / "run")
    saved = load_file(folder.model / "model.safetensors")
    assert not any("lora" in name for name in saved)
    before = load_file(tiny("bert") / "model.safetensors")
    layer = "encoder.layer.0.attention.self.query.weight"
    change = saved[f"bert.{layer}"] - before[f"bert.{layer}" if f"bert.{layer}" in before else layer]
    assert 0 < int(torch.linalg.matrix_rank(change, atol=1e-5)) <= 8
    texts = ["good words here", "bad"]
    network = AutoModelForSequenceClassification.from_pretrained(folder.model).eval()
    given = AutoTokenizer.from_pretrained(folder.model)(texts, return_tensors="pt", padding=True)
    with torch.no_grad():
        chances = network(**given).logits.softmax(-1)
    for row, answer in zip(chances, Run(folder.path).predict(texts), strict=True):
        assert answer.probability == pytest.approx(float(row.max()), abs=1e-4)
    assert json.loads(folder.record_path.read_text())["status"] == "done"


def test_a_stopped_run_goes_on_to_the_same_weights(tiny, sentences_csv):
    whole = workbench.bench(tiny(), sentences_csv, FAST)
    whole.train(6)
    halved = workbench.bench(tiny(), sentences_csv, FAST)
    halved.train(3)
    kept = {name: p.detach().clone() for name, p in halved.model.named_parameters() if p.requires_grad}
    state = halved.learner.optimizer.state_dict()
    again = workbench.bench(tiny(), sentences_csv, FAST)
    with torch.no_grad():
        for name, p in again.model.named_parameters():
            if name in kept:
                p.copy_(kept[name])
    again.learner.optimizer.load_state_dict(state)
    again.train(3, first=3)
    assert workbench.same_bytes(again.weights(), whole.weights())


def test_without_peft_the_error_says_what_to_install(tiny, sentences_csv, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(MissingExtra, match=r"bertune\[lora\]"):
        workbench.bench(tiny(), sentences_csv, FAST)
    assert lora.MARK in ".lora_A"
