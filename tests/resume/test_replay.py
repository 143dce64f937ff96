"""Replay: a run repeated from its folder is the same to the last bit, and where it is not the cause is named."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from resume_runs import begin, data_file, recipe_of
from safetensors.torch import load_file, save_file

from bertune.base.errors import DataError, ModelError, ResumeError
from bertune.cli.main import run as command_line
from bertune.runs.replay import replay


@pytest.fixture(scope="module")
def done(tiny, tmp_path_factory):
    """(run folder, data file, model folder) of a run that is done."""
    place = tmp_path_factory.mktemp("done")
    model = place / "model"
    shutil.copytree(tiny("bert"), model)
    data = data_file(place)
    return begin(recipe_of(data, model, "evaluation.baselines=true"), place / "run").path, data, model


@pytest.fixture
def copy(done, tmp_path):
    """The same in files of the test's own."""
    run, data, model = done
    for path in (run, model):
        shutil.copytree(path, tmp_path / path.name)
    shutil.copy(data, tmp_path / data.name)
    recipe = tmp_path / "run" / "recipe.toml"
    recipe.write_text(recipe.read_text().replace(str(data.parent), str(tmp_path)))
    return tmp_path / "run", tmp_path / data.name, tmp_path / "model"


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_run_comes_out_the_same_and_is_left_as_it_was(done, tmp_path, monkeypatch):
    run, _, _ = done
    before = snapshot(run)
    monkeypatch.chdir(tmp_path)
    found = replay(run)
    assert found.identical and not found.inputs and found.furthest == 0
    assert found.scores is not None and found.scores[0] == found.scores[1]
    assert snapshot(run) == before and not list(tmp_path.iterdir())


def test_a_changed_label_is_named(copy):
    run, data, _ = copy
    first, row, *rest = data.read_text().splitlines()
    text, label = row.rsplit(",", 1)
    data.write_text("\n".join([first, f"{text},{'bad' if label == 'good' else 'good'}", *rest]) + "\n")
    found = replay(run)
    assert list(found.inputs) == ["the data (rows, texts or labels)"]
    assert not found.identical and found.furthest > 0


def test_other_pretrained_weights_are_named(copy):
    run, _, model = copy
    weights = load_file(model / "model.safetensors")
    weights["embeddings.word_embeddings.weight"] += torch.tensor(0.01)
    save_file(weights, model / "model.safetensors", {"format": "pt"})
    found = replay(run)
    assert list(found.inputs) == ["the model"] and "weights" in found.differs


def test_another_version_is_named_though_the_end_is_the_same(done, monkeypatch):
    run, _, _ = done
    monkeypatch.setattr("bertune.runs.fingerprint.versions", lambda: {"torch": "1.0"})
    found = replay(run)
    assert found.identical and found.inputs["the version: torch"][1] == "1.0"


def test_a_model_that_was_changed_afterwards_is_noticed(copy, capsys):
    run, _, _ = copy
    weights = load_file(run / "model" / "model.safetensors")
    name = max(weights, key=lambda n: weights[n].numel())
    weights[name] += 0.5
    save_file(weights, run / "model" / "model.safetensors", {"format": "pt"})
    with pytest.raises(SystemExit) as end:
        command_line(["replay", str(run)])
    said = " ".join(capsys.readouterr().err.split())
    assert end.value.code == 1
    assert "DIFFERENT: weights" in said and "5.0e-01" in said and "the cause lies outside" in said
    with pytest.raises(SystemExit) as end:
        command_line(["replay", str(run), "--json"])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = next(line for line in told if line.get("topic") == "replay")
    assert end.value.code == 1 and told["differs"] == ["weights"] and told["inputs"] == {}


def test_the_command_succeeds_where_nothing_differs(done, capsys):
    with pytest.raises(SystemExit) as end:
        command_line(["replay", str(done[0])])
    assert end.value.code == 0 and "the same to the last bit" in capsys.readouterr().err


def test_what_cannot_be_repeated_is_refused(copy, tmp_path):
    run, data, model = copy
    with pytest.raises(ResumeError, match="no run lies here"):
        replay(tmp_path / "none")
    data.rename(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="no such file"):
        replay(run)
    (tmp_path / "gone.csv").rename(data)
    shutil.rmtree(model)
    with pytest.raises(ModelError):
        replay(run)
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"status": "stopped"}))
    with pytest.raises(ResumeError, match="only a run that is done"):
        replay(run)
