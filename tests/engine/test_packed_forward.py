"""Packed batches answer what plain transformers answers text by text."""

import csv

import numpy as np
import pytest
import torch
import workbench
from workbench import STILL

import tiny_models
from bertune.model import packing


@pytest.fixture
def pairs_csv(tmp_path):
    path = tmp_path / "pairs.csv"
    texts = [text for text, _ in tiny_models.sentences(80, seed=3)]
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "text_pair", "label"])
        writer.writerows(
            [one, two, "yes" if i % 2 else "no"] for i, (one, two) in enumerate(zip(texts, texts[5:], strict=False))
        )
    return path


def furthest_from_plain(made, rows):
    """The largest difference between a packed batch and one text after the other through plain transformers."""
    made.model.network.eval()
    network = workbench.padded(made.model.network)
    tokenizer, positions = made.prepared.tokenizer.inner, made.prepared.splits.train[rows]
    texts, pairs = made.prepared.texts(positions)
    with torch.no_grad():
        packed = made.model(made.stores.train.batch(rows)).logits
        single = []
        for i, text in enumerate(texts):
            given = (text,) if pairs is None else (text, pairs[i])
            encoded = tokenizer(*given, return_tensors="pt", truncation="longest_first", max_length=24)
            single.append(network(**encoded).logits)
    assert packed.dtype == torch.float32
    return float((packed - torch.cat(single)).abs().max())


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
@pytest.mark.parametrize("kind", ["single", "pair"])
def test_packed_is_plain(tiny, sentences_csv, pairs_csv, architecture, kind, monkeypatch):
    made = workbench.bench(tiny(architecture), sentences_csv if kind == "single" else pairs_csv, STILL)
    _sharpen(made.model)
    rows = np.arange(8)
    lengths = made.stores.train.lengths[rows]
    assert lengths.min() < lengths.max(), "without padding nothing would be shown"
    assert furthest_from_plain(made, rows) < 1e-5
    assert furthest_from_plain(made, rows[::-1].copy()) < 1e-5
    assert furthest_from_plain(made, rows[:1]) < 1e-5
    whole = packing.pad
    place = "bertune.model.heads.sequence_classification.pad"
    monkeypatch.setattr(place, lambda *a: whole(*a) | {"attention_mask": None})
    assert furthest_from_plain(made, rows) > 1e-5, "a packing without a mask must be seen"


def _sharpen(model):
    """Larger weights, so that what a token reads of the others shows in the answer."""
    with torch.no_grad():
        for parameter in model.network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
