"""The plain example gives the weights that the engine gives."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import torch
import workbench
from safetensors.torch import load_file

import tiny_models
from bertune.runs.train import train

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "plain_train.py"
ALL_ROWS = {"data.split.valid_share": 0.0, "data.split.test_share": 0.0}
QUICK = {"training.seeds": 1, "evaluation.baselines": False, "evaluation.suspects": False, "evaluation.resamples": 100,
         "optimizer.layer_decay": "auto"}  # fmt: skip


@pytest.fixture(scope="module")
def plain():
    spec = importlib.util.spec_from_file_location("plain_train", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without_dropout(model, folder):
    """A copy of a model folder whose settings have no dropout."""
    shutil.copytree(model, folder)
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    settings |= {name: 0.0 for name, value in settings.items() if "drop" in name and isinstance(value, float)}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_the_same_weights(tiny, sentences_csv, tmp_path, plain, architecture):
    """Order, warm-up, decay, clipping, averaging: every one of them is in these weights.

    Dropout is not: the engine draws its masks another way.
    """
    folder = without_dropout(tiny(architecture), tmp_path / "model")
    settings = {**ALL_ROWS, **QUICK, "training.epochs": 2, "model.max_length": 16}
    recipe = workbench.recipe_of(folder, sentences_csv, settings)
    made = workbench.bench(folder, sentences_csv, settings)
    run = train(recipe, tmp_path / "run")
    texts, _ = made.prepared.texts(made.prepared.splits.train)
    targets = made.stores.train.targets.tolist()
    model, _ = plain.train(
        list(texts), targets, 2, folder, peak=1e-3, epochs=2, batch_size=8, max_length=16,
        order_key=made.stores.train.fingerprint, attention=made.model.network.config._attn_implementation,
    )  # fmt: skip
    engine = load_file(run.model / "model.safetensors")
    example = {name: tensor.detach() for name, tensor in model.state_dict().items() if name in engine}
    assert len(example) == len(engine)
    used = torch.unique(torch.from_numpy(made.stores.train.ids[:].astype("int64")))
    for name in engine:
        if name.endswith("word_embeddings.weight"):  # rows of tokens that occur nowhere only decay, or not even that
            engine[name], example[name] = engine[name][used], example[name][used]
    assert workbench.furthest(engine, example) < 2e-5
    start = workbench.bench(folder, sentences_csv, settings).weights()
    assert workbench.furthest(engine, {n: start[n] for n in engine} | _rows(start, used)) > 1e-3


def _rows(weights, used):
    return {name: tensor[used] for name, tensor in weights.items() if name.endswith("word_embeddings.weight")}


def test_the_example_runs_as_a_command(tiny, sentences_csv, tmp_path, plain):
    plain.main(sentences_csv, tiny(), tmp_path / "out")
    from transformers import pipeline

    answer = pipeline("text-classification", model=str(tmp_path / "out"))("a lovely film")
    assert answer[0]["label"] in ("good", "bad")


def test_it_is_short():
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 150
