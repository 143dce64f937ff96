"""Tiny trained runs, each made once."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from api_data import FAST, MANY_VALID, doubted, pair_rows, single_rows
from safetensors.torch import load_file, save_file

from bertune.base.types import Tuned
from bertune.evaluate.saved import _last_linear, fold, load, save
from bertune.runs.ask import ask
from bertune.runs.train import train

TEMPERATURE = 0.7


def louder(source: Path, target: Path) -> Path:
    """A copy of a tiny model with weights five times as large: at their size of 0.02 some let no text through."""
    if not target.exists():
        shutil.copytree(source, target)
        weights = load_file(source / "model.safetensors")
        larger = {name: tensor * 5 if tensor.ndim == 2 else tensor for name, tensor in weights.items()}
        save_file(larger, target / "model.safetensors", {"format": "pt"})
    return target


def opinionated(model: Path) -> None:
    """Give a saved model a head whose answers differ from text to text, with a temperature folded in."""
    saved = load(model)
    head = _last_linear(saved.model)
    with torch.no_grad():
        head.weight.copy_(torch.randn(head.weight.shape, generator=torch.Generator().manual_seed(0)))
    fold(saved.model, Tuned(scale=1 / TEMPERATURE))
    save(saved.model, saved.tokenizer, replace(saved.about, temperature=TEMPERATURE), model)


@pytest.fixture(scope="session")
def trained(tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A function that gives the folder of a trained run: of single texts, or of pairs."""
    root = tmp_path_factory.mktemp("trained")

    def folder(architecture: str = "bert", pairs: bool = False) -> Path:
        out = root / f"{architecture}-{'pairs' if pairs else 'single'}"
        if not out.exists():
            data = out.with_suffix(".parquet")
            pq.write_table(pa.table(doubted(pair_rows(160) if pairs else single_rows(160))), data)
            model = louder(tiny(architecture), root / architecture)
            train(ask({"data": str(data), "model": str(model)}, {**FAST, **MANY_VALID}), out, report=False)
            opinionated(out / "model")
        return out

    return folder
