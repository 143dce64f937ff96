"""Whatever has a state goes through a stop: optimizers, schedules, averages, freezing, sampling, restarts, tasks."""

import json
from pathlib import Path

import pytest
import torch
from resume_runs import Cut, begin, data_file, ending, recipe_of, resume, same

import tiny_models
from bertune.engine import checkpoint
from bertune.engine.averaging import Averages
from bertune.engine.callbacks.trouble import Trouble
from bertune.engine.events import Evaluated, Stop
from bertune.evaluate import saved
from bertune.model.heads._attention import WindowAttention
from bertune.model.heads._chain import Chain
from bertune.runs import fit

CASES = {
    "adamw": ["optimizer.name=adamw"],
    "adafactor": ["optimizer.name=adafactor"],
    "lamb": ["optimizer.name=lamb"],
    "lion": ["optimizer.name=lion", "optimizer.learning_rate=3e-4"],
    "momentum": ["optimizer.name=momentum", "optimizer.learning_rate=0.05"],
    "nadam": ["optimizer.name=nadam"],
    "no averages": ["training.averaging=none"],
    "plateau": ["schedule.name=reduce_on_plateau", "schedule.patience=0", "evaluation.per_epoch=4"],
    "unfreezing": ["model.unfreeze_per_epoch=1", "training.epochs=3", "training.batch_size=16"],
    "head alone": ["model.train=head"],
    "fp16": ["training.precision=fp16"],
    "suspects": ["evaluation.suspects=true"],
    "regularizer": ["regularizer.l2_sp.strength=0.01"],
    "two passes": ["training.step.name=r_drop"],
    "sampling": ["training.sampler.name=over_sampling"],
    "early stopping": ["evaluation.early_stopping=true", "evaluation.patience=1", "evaluation.minimum_gain=0.9"],
    "auto": ["training.epochs=1", "optimizer.learning_rate=auto", "training.batch_size=auto", "training.threads=1"],
}


@pytest.mark.fault("stop, every part")
@pytest.mark.parametrize("name", CASES)
def test_state_goes_through_a_stop(tiny, tmp_path: Path, name: str) -> None:
    recipe = recipe_of(data_file(tmp_path), tiny("bert"), *CASES[name])
    expected = ending(begin(recipe, tmp_path / "whole").path)
    updates = sum(e["event"] == "stepped" for e in expected["history"])
    run = begin(recipe, tmp_path / "cut", Cut("stepped", max(1, updates // 3))).path
    resume(run, Cut("evaluated", 1))
    resume(run)
    assert same(expected, ending(run)) == []


WINDOWS = ["task.name=text_classification", "task.long_texts=windows", "task.stride=0", "model.max_length=8"]
BESIDE = {  # what learns beside the network: file, settings
    "chain": ("rows.jsonl", ["task.name=token_classification", "task.crf=true", "training.step.name=r_drop"]),
    "attention": ("rows.csv", [*WINDOWS, "task.pooling=attention"]),
}


@pytest.mark.fault("stop, every part")
@pytest.mark.parametrize("name", BESIDE)
def test_what_is_learnt_beside_the_network_goes_through_a_stop(tiny, tmp_path: Path, name: str) -> None:
    file, settings = BESIDE[name]
    data = data_file(tmp_path) if file == "rows.csv" else tiny_models.tagged_file(tmp_path / file)
    recipe = recipe_of(data, tiny("bert"), "evaluation.metric=auto", "optimizer.learning_rate=1e-3", *settings)
    expected = ending(begin(recipe, tmp_path / "whole").path)
    assert b"more." in b"".join(expected["last"].values()), "it is kept in checkpoints"
    run = begin(recipe, tmp_path / "cut", Cut("stepped", 3)).path
    resume(run, Cut("evaluated", 1))
    resume(run)
    assert same(expected, ending(run)) == []


@pytest.mark.fault("stop, every part")
def test_tasks_learnt_together_keep_what_each_learns_beside(tiny, tmp_path: Path) -> None:
    also = tmp_path / "entities.toml"
    tagged = tiny_models.tagged_file(tmp_path / "rows.jsonl")
    also.write_text(f'[data]\ntrain = "{tagged}"\n[task]\nname = "token_classification"\ncrf = true\n')
    settings = ["evaluation.metric=auto", "optimizer.learning_rate=1e-3", *BESIDE["attention"][1]]
    recipe = recipe_of(data_file(tmp_path), tiny("bert"), *settings).changed({"data.also": (str(also),)})
    whole, cut = begin(recipe, tmp_path / "whole").path, begin(recipe, tmp_path / "cut", Cut("stepped", 4)).path
    resume(cut)
    assert same(ending(whole), ending(cut)) == []
    found = [{p.name: p.read_bytes() for p in sorted((run / "also" / "entities" / "model").glob("*.safetensors"))}
             for run in (whole, cut)]  # fmt: skip
    assert found[0] == found[1] and len(found[0]) == 2
    one, two = (saved.load(run).model.head.more for run in (whole, whole / "also" / "entities"))
    assert isinstance(one, WindowAttention) and isinstance(two, Chain)
    assert all(any(p.detach().abs().max() > 0 for p in more.parameters()) for more in (one, two))
    newest = checkpoint.read_group(checkpoint.found(whole / "checkpoints")[0], "model")
    assert {"0.more.outer.weight", "1.more.transition"} <= set(newest)


@pytest.mark.parametrize("fused, place", [(True, "meta"), (False, "cpu")])
def test_step_counters_come_back_to_where_the_optimizer_counts(fused: bool, place: str) -> None:
    weights = torch.nn.Parameter(torch.ones(3))
    weights.grad = torch.ones(3)
    learnt = torch.optim.AdamW([weights], fused=True)
    learnt.step()
    other = torch.optim.AdamW([torch.nn.Parameter(torch.empty(3, device="meta"))])
    other.param_groups[0]["fused"] = fused
    checkpoint.load_optimizer(other, *checkpoint.optimizer_tensors(learnt))
    (state,) = other.state.values()
    assert state["step"].device.type == place and state["exp_avg"].device.type == "meta"


@pytest.mark.parametrize("owner, method", [(checkpoint, "load_optimizer"), (Averages, "load"), (fit, "_load")])
def test_a_state_that_is_forgotten_is_seen(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner: object, method: str
) -> None:
    recipe = recipe_of(data_file(tmp_path), tiny("bert"))
    expected = ending(begin(recipe, tmp_path / "whole").path)
    run = begin(recipe, tmp_path / "cut", Cut("stepped", 4)).path
    with monkeypatch.context() as broken:
        broken.setattr(owner, method, lambda *_: None)
        resume(run)
    assert "last" in same(expected, ending(run))


class Collapses(Trouble):
    """Calls the third judging of the first attempt a collapse."""

    def on_evaluated(self, event: Evaluated) -> list[Stop] | None:
        self.flat += 1
        if self.flat != 3 or Collapses.attempts:
            return None
        self.code = "collapsed"
        return [Stop("collapsed: a test says so")]


@pytest.mark.fault("stop and collapse")
@pytest.mark.parametrize("steps", [[3], [3, 7], [7], [6, 1]])
def test_a_collapsed_run_starts_again_however_often_it_is_stopped(
    tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    """Six updates of the first attempt, then eight of the second: cuts fall into the first, the second, and both."""
    monkeypatch.setattr(fit, "Trouble", Collapses)
    again = fit.Fit._again

    def second(self: fit.Fit, *given: object) -> fit.Fitted:
        Collapses.attempts = 1
        return again(self, *given)

    monkeypatch.setattr(fit.Fit, "_again", second)

    def fresh() -> None:
        Collapses.attempts = 0

    recipe = recipe_of(data_file(tmp_path), tiny("bert"))
    fresh()
    whole = begin(recipe, tmp_path / "whole").path
    expected = ending(whole)
    assert sum(e["event"] == "stepped" for e in expected["history"]) == 6 + 8
    fresh()
    run = begin(recipe, tmp_path / "cut", Cut("stepped", steps[0])).path
    for step in steps[1:]:
        resume(run, Cut("stepped", step))
    resume(run)
    assert same(expected, ending(run)) == []
    records = [json.loads((place / "run.json").read_text()) for place in (whole, run)]
    assert records[0]["restarts"] == records[1]["restarts"] != []


@pytest.mark.fault("stop, every part")
def test_a_planned_end_is_remembered(tiny, tmp_path: Path) -> None:
    """The interruption comes at the very event at which the run decides to end."""
    recipe = recipe_of(data_file(tmp_path), tiny("bert"), *CASES["early stopping"])
    expected = ending(begin(recipe, tmp_path / "whole").path)
    judged = sum(e["event"] == "evaluated" for e in expected["history"])
    assert judged < 4
    run = begin(recipe, tmp_path / "cut", Cut("evaluated", judged)).path
    resume(run)
    assert same(expected, ending(run)) == []
    assert json.loads((run / "run.json").read_text())["stopped"].startswith("log_loss has not")


def test_speed_is_that_of_the_whole_run(tiny, tmp_path: Path) -> None:
    recipe = recipe_of(data_file(tmp_path), tiny("bert"))
    run = begin(recipe, tmp_path / "cut", Cut("evaluated", 4)).path
    resume(run)
    assert json.loads((run / "run.json").read_text())["speed"]["train_texts_per_second"] > 1


@pytest.mark.fault("stop, every part")
@pytest.mark.parametrize("architecture", ["distilbert", "roberta", "electra"])
def test_other_architectures(tiny, tmp_path: Path, architecture: str) -> None:
    recipe = recipe_of(data_file(tmp_path), tiny(architecture), "training.epochs=1")
    expected = ending(begin(recipe, tmp_path / "whole").path)
    run = begin(recipe, tmp_path / "cut", Cut("stepped", 2)).path
    resume(run)
    assert same(expected, ending(run)) == []
