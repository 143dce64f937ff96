"""A run that starts from the encoder of an earlier one: its weights and tokenizer, a fresh head, and a record of it."""

import json
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from api_data import FAST, single_rows
from safetensors.torch import load_file

import bertune
import tiny_models
from bertune.base.errors import ModelError, RecipeError
from bertune.cli.main import run as command_line
from bertune.model.encoder import load
from bertune.runs.ask import ask
from bertune.runs.build import network
from bertune.runs.check import check_data
from bertune.runs.prepare import prepare
from bertune.runs.telling import Silent
from bertune.runs.train import train

FAST = {**FAST, "evaluation.resamples": 100}


@pytest.fixture(scope="module")
def first(tiny, tmp_path_factory):
    """A run of short texts: its tokenizer is saved with their length."""
    root = tmp_path_factory.mktemp("first")
    return bertune.train(
        {"text": [t[:30] for t in single_rows(100)["text"]], "label": single_rows(100)["label"]},
        model=tiny("roberta"), out=root / "run", settings=FAST, quiet=True,
    )  # fmt: skip


def graded(rows=80):
    """The sentences with a number for each."""
    made = single_rows(rows, seed=4)
    return {
        "text": made["text"],
        "label": [(len(t) % 23) / 7 + 2 * (y == "good") for t, y in zip(made["text"], made["label"], strict=True)],
    }


def prepared_from(run, tmp_path, rows, **settings):
    data = tmp_path / "rows.parquet"
    pq.write_table(pa.table(rows), data)
    recipe = ask({"data": str(data), "from_run": str(run.path)}, {**FAST, **settings})
    return recipe, prepare(recipe, Silent())


def test_the_encoder_is_the_run_s_and_the_head_is_fresh(first, tmp_path):
    """Even where the same classes are learnt, when the saved head would fit."""
    recipe, prepared = prepared_from(first, tmp_path, single_rows(80, seed=2))
    model = network(recipe, prepared, 0)
    saved = load_file(first.path / "model" / "model.safetensors")
    inside = {id(p) for p in model.base.parameters()}
    for name, parameter in model.network.named_parameters():
        same = torch.equal(parameter, saved[name])
        assert same == (id(parameter) in inside), name
        assert (name in model.new_parameters()) == (id(parameter) not in inside), name
    again, other = network(recipe, prepared, 0), network(recipe, prepared, 1)
    weight = "classifier.out_proj.weight"
    one, two, three = (dict(m.network.named_parameters())[weight] for m in (model, again, other))
    assert torch.equal(one, two) and not torch.equal(one, three), "the seed draws the head"
    assert prepared.tokenizer.fingerprint() == json.loads((first.path / "run.json").read_text())["model"]["tokenizer"]


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_a_fresh_head_is_drawn_as_that_of_a_model_without_one(architecture, tiny, tmp_path):
    """Of the size and spread of a head that never was saved; a model without a head is as it would be."""
    plain = load(tiny(architecture), "sequence_classification", ("a", "b"), 0, 3)
    plain.network.save_pretrained(tmp_path)
    shutil.copy(tiny(architecture) / "tokenizer.json", tmp_path)
    kept = load(tmp_path, "sequence_classification", ("a", "b"), 0, 3)
    fresh = load(tmp_path, "sequence_classification", ("a", "b"), 0, 4, fresh=True)
    heads = plain.new_parameters() - {n for n in plain.new_parameters() if "pooler" in n}
    assert not kept.new_parameters() and fresh.new_parameters() == heads
    for name in (n for n in heads if n.endswith("weight")):
        old, new = (dict(m.network.named_parameters())[name] for m in (kept, fresh))
        assert not torch.equal(old, new) and 0.5 < float((new.std() / old.std()).detach()) < 2


def test_a_run_of_another_task_is_learnt_from_and_recorded(first, tmp_path):
    second = bertune.train(graded(), from_run=first, out=tmp_path / "second", settings=FAST, quiet=True)
    model = json.loads((tmp_path / "second" / "run.json").read_text())["model"]
    assert model["from"]["run"] == str(first.path.resolve()) and model["from"]["task"] == "text_classification"
    assert model["from"]["data"] == json.loads((first.path / "run.json").read_text())["data"]["digest"]
    assert model["from"]["from"] is None
    about = json.loads((tmp_path / "second" / "model" / "bertune.json").read_text())
    short = json.loads((first.path / "model" / "bertune.json").read_text())["max_length"]
    assert about["task"] == "regression" and about["max_length"] > short, "the first run's texts are no limit"
    third = bertune.train(single_rows(60), from_run=second.path, out=tmp_path / "third", settings=FAST, quiet=True)
    chain = json.loads((third.path / "run.json").read_text())["model"]["from"]
    assert (chain["task"], chain["from"]["task"]) == ("regression", "text_classification")
    config = json.loads((third.path / "model" / "config.json").read_text())
    assert config.get("problem_type") is None and config["id2label"] == {"0": "bad", "1": "good"}
    assert third.predict(["a lovely film"])[0].label in ("bad", "good")


def test_the_recipe_of_such_a_run_repeats_it(first, tmp_path):
    one = bertune.train(single_rows(60), from_run=first, out=tmp_path / "a", settings=FAST, quiet=True)
    recipe = ask({}, recipe_file=str(tmp_path / "a" / "recipe.toml"))
    assert recipe.model.from_run == str(first.path.resolve()) and recipe.model.name == "auto"
    train(recipe, tmp_path / "b", report=False)
    weights = [load_file(tmp_path / name / "model" / "model.safetensors") for name in "ab"]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert bertune.resume(one.path, quiet=True).path == one.path


def test_folders_without_a_model_are_refused(first, tiny, tmp_path):
    data = tmp_path / "rows.csv"
    tiny_models.csv_file(data)
    began = tmp_path / "began"
    began.mkdir()
    (began / "run.json").write_text('{"status": "running"}')
    places = {tmp_path / "none": "no such folder", tiny("bert"): "no run", began: "not done"}
    for place, found in places.items():
        recipe = ask({"data": str(data), "from_run": str(place)}, FAST)
        with pytest.raises(ModelError, match=f"no model to start from.*\n.*\n.*{found}"):
            train(recipe, tmp_path / "out")
        with pytest.raises(ModelError, match="no model to start from"):
            check_data(recipe)
    with pytest.raises(RecipeError, match=r"model.name .*model.from_run names the model already"):
        ask({"data": str(data), "from_run": str(first.path), "model": str(tiny("bert"))}, FAST)


def test_on_the_command_line(first, tmp_path, monkeypatch, capsys):
    tiny_models.csv_file(tmp_path / "rows.csv", 60)
    monkeypatch.chdir(first.path.parent)
    sets = [part for key, value in FAST.items() for part in ("--set", f"{key}={str(value).lower()}")]
    with pytest.raises(SystemExit) as end:
        command_line(
            ["train", str(tmp_path / "rows.csv"), "--from", first.path.name, "--out", str(tmp_path / "o"), *sets]
        )
    assert end.value.code == 0
    assert "the encoder of a run of text_classification, with a fresh head" in capsys.readouterr().err
    assert json.loads((tmp_path / "o" / "run.json").read_text())["model"]["from"]["run"] == str(first.path.resolve())
