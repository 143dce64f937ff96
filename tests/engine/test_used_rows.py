"""The small embedding table: training on it is training on the whole one."""

import json

import pytest
import torch
from safetensors.torch import load_file

from bertune.model import used_rows as module
from bertune.runs.ask import ask
from bertune.runs.train import train

SETTINGS = ["training.seeds=1", "training.epochs=2", "training.threads=1", "training.precision=fp32",
            "optimizer.learning_rate=3e-3",
            "optimizer.weight_decay=0", "evaluation.suspects=false", "evaluation.baselines=false",
            "evaluation.calibration=false"]  # fmt: skip


@pytest.mark.parametrize("architecture", ["bert", "roberta", "distilbert", "electra"])
def test_same_model_as_with_the_whole_table(tiny, sentences_csv, tmp_path, monkeypatch, architecture):
    """Weights of both ways agree to rounding; rows that no text uses are byte-equal to the pretrained ones."""
    recipe = ask({"data": str(sentences_csv), "model": str(tiny(architecture))}, SETTINGS)
    taken = []
    take_out = module.UsedRows.take_out
    monkeypatch.setattr(module.UsedRows, "take_out", lambda self: (taken.append(self), take_out(self)))
    small = train(recipe, tmp_path / "small", report=False)
    assert len(taken) == 1 and taken[0].sizes[0] < taken[0].sizes[1]
    monkeypatch.setattr(module, "SAFE", frozenset())
    whole = train(recipe, tmp_path / "whole", report=False)
    assert len(taken) == 1
    one, two = (load_file(folder.model / "model.safetensors") for folder in (small, whole))
    assert one.keys() == two.keys()
    for name in one:
        assert torch.allclose(one[name], two[name], atol=2e-5), name
    before = load_file(tiny(architecture) / "model.safetensors")
    name = next(n for n in one if n.endswith("word_embeddings.weight"))
    plain = next(v for n, v in before.items() if name.endswith(n))
    unused = torch.ones(len(plain), dtype=torch.bool)
    unused[taken[0].rows] = False
    assert unused.any() and torch.equal(one[name][unused], plain[unused])
    assert not torch.equal(one[name][~unused], plain[~unused])
    events = [[json.loads(line) for line in folder.history.read_text().splitlines()] for folder in (small, whole)]
    losses = [[e["loss"] for e in lines if e["event"] == "stepped"] for lines in events]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_the_table_stays_whole_with_a_regularizer(tiny, sentences_csv, tmp_path, monkeypatch):
    """L1 and L2 move rows that no text uses."""
    monkeypatch.setattr(module.UsedRows, "take_out", lambda self: pytest.fail("taken out"))
    settings = [*SETTINGS, "training.epochs=1", "regularizer.l2.strength=0.01"]
    train(ask({"data": str(sentences_csv), "model": str(tiny("bert"))}, settings), tmp_path / "run", report=False)
