"""Tasks learnt at once: what each run holds, the same end after a stop at any place, and what is refused by name."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from resume_runs import FAST, Cut, begin, data_file, ending, resume, same
from safetensors.torch import load_file

import bertune
import tiny_models
from bertune.base.errors import BertuneError, RecipeError, ResumeError
from bertune.base.recipe import read_toml, resolve
from bertune.cli.main import run as command_line
from bertune.engine.interrupt import Interrupted
from bertune.runs import journey
from bertune.runs.ask import ask
from bertune.runs.replay import replay
from bertune.runs.train import train

OWN = [text for text in FAST if not text.startswith("evaluation.metric")]  # each task is judged by its own metric


def files(place: Path) -> tuple[Path, Path]:
    """Two classes of sentences, and sentences with a number and a recipe of their own."""
    first = data_file(place)
    rows = [f"{text},{len(text) % 7}.5" for text, _ in tiny_models.sentences(24, 5)]
    (place / "graded.csv").write_text("\n".join(["text,score", *rows]) + "\n")
    recipe = place / "graded.toml"
    recipe.write_text(f'[data]\ntrain = "{place / "graded.csv"}"\n[task]\nname = "regression"\n')
    return first, recipe


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """(recipe, folder) of a run of two tasks that was never stopped."""
    place = tmp_path_factory.mktemp("together")
    data, also = files(place)
    recipe = ask({"data": str(data), "model": str(tiny("bert")), "also": [str(also)]},
                 [*OWN, "training.temperature=2"])  # fmt: skip
    return recipe, begin(recipe, place / "run", report=True).path


def test_each_task_ends_as_a_run_of_its_own(whole):
    run = bertune.load(whole[1])
    further = run.also["graded"]
    assert list(run.also) == ["graded"] and further.status == run.status == "done"
    assert {p.label for p in run.predict(["a good day", "a bad day"])} <= {"good", "bad"}
    assert isinstance(further.predict(["a good day"])[0].label, float)
    one, two = (load_file(r.model_path / "model.safetensors") for r in (run, further))
    encoder = [name for name in one if name.startswith("bert.")]
    assert len(encoder) > 10 and all(torch.equal(one[name], two[name]) for name in encoder)
    assert one["classifier.weight"].shape != two["classifier.weight"].shape
    for path in (whole[1], further.path):
        assert (path / "report.html").is_file() and (path / "predictions" / "test.parquet").is_file()


def test_the_records_tell_of_each_other_and_of_own_scores(whole):
    record, further = (json.loads((p / "run.json").read_text()) for p in (whole[1], whole[1] / "also" / "graded"))
    assert [one["name"] for one in record["together"]["with"]] == ["graded"] and record["together"]["own"]
    assert [one["task"] for one in further["together"]["with"]] == ["text_classification"]
    assert not further["together"]["own"] and further["together"]["temperature"] == 2.0
    history = [json.loads(line) for line in (whole[1] / "also" / "graded" / "history.jsonl").read_text().splitlines()]
    kept = [e for e in history if e["event"] == "evaluated" and e["step"] == further["best"]["step"]]
    assert further["best"]["metric"] == further["metric"] == "spearman"
    assert kept[0]["scores"]["spearman"] == further["best"]["value"]
    both = [json.loads(line) for line in (whole[1] / "history.jsonl").read_text().splitlines()]
    for event in both:
        if event["event"] == "evaluated":
            own, other = event["scores"]["macro_f1"], event["scores"]["graded.spearman"]
            assert event["scores"]["mean_of_tasks"] == pytest.approx((own + other) / 2)
    for path in (whole[1], whole[1] / "also" / "graded"):
        assert "Learnt together with" in (path / "report.html").read_text(encoding="utf-8")


def both(run: Path) -> list[dict]:
    return [ending(run), ending_of_part(run / "also" / "graded")]


def ending_of_part(run: Path) -> dict:
    return {name: (run / name).read_bytes() for name in ("scores.json", "history.jsonl", "model/model.safetensors")}


def without_times(found: list[dict]) -> list[dict]:
    own, part = found
    lines = [json.loads(line) for line in part["history.jsonl"].splitlines()]
    part["history.jsonl"] = [e["scores"] for e in lines if e["event"] == "evaluated"]
    return [own, part]


@pytest.mark.fault("stop")
@pytest.mark.parametrize("event, count", [("started", 1), ("stepped", 1), ("stepped", 4), ("evaluated", 2)])
def test_stopped_anywhere_both_end_the_same(whole, tmp_path, event, count):
    recipe, done = whole
    run = begin(recipe, tmp_path / "run", Cut(event, count)).path
    assert not (run / "scores.json").exists()
    resume(run)
    expected, found = without_times(both(done)), without_times(both(run))
    assert same(expected[0], found[0]) == [] and same(expected[1], found[1]) == []


@pytest.mark.fault("stop")
@pytest.mark.parametrize("place, call", [("write_report", 1), ("write_report", 2), ("describe_machine", 1),
                                         ("describe_machine", 2)])  # fmt: skip
def test_stopped_between_the_tasks_both_end_the_same(whole, tmp_path, monkeypatch, place, call):
    """As the first task is done and the second is not, and as the first has begun and the second has not."""
    recipe, done = whole
    calls, real = [], getattr(journey, place)

    def stopping(*arguments):
        calls.append(place)
        if len(calls) == call:
            raise Interrupted(2)
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(journey, place, stopping)
        with pytest.raises(Interrupted):
            train(recipe, tmp_path / "run", report=True)
    train(resolve(read_toml(tmp_path / "run" / "recipe.toml")), tmp_path / "run", resume=True, report=True)
    expected, found = without_times(both(done)), without_times(both(tmp_path / "run"))
    assert same(expected[0], found[0]) == [] and same(expected[1], found[1]) == []


def test_a_replay_comes_out_the_same(whole):
    found = replay(whole[1])
    assert found.identical and not found.inputs


def test_changed_data_of_a_further_task_is_refused_by_name(tiny, tmp_path):
    data, also = files(tmp_path)
    recipe = ask({"data": str(data), "model": str(tiny("bert")), "also": [str(also)]}, OWN)
    run = begin(recipe, tmp_path / "run", Cut("stepped", 2)).path
    graded = tmp_path / "graded.csv"
    graded.write_text(graded.read_text().replace(",1.5", ",2.5", 1))
    with pytest.raises(ResumeError, match="the data"):
        resume(run)


@pytest.mark.parametrize("verb", ["resume", "replay"])
def test_a_part_is_not_taken_for_a_run(whole, verb, capsys):
    with pytest.raises(SystemExit) as ended:
        command_line([verb, str(whole[1] / "also" / "graded")])
    assert ended.value.code == 2
    assert f"bertune {verb} {whole[1]}" in capsys.readouterr().err.replace("\n", "")


@pytest.mark.parametrize("flag", ["--dry-run", "--find-lr"])
def test_what_is_made_of_one_task_says_so(tmp_path, tiny, flag, capsys):
    data, also = files(tmp_path)
    with pytest.raises(SystemExit) as ended:
        command_line(["train", str(data), "--model", str(tiny("bert")), "--also", str(also), flag])
    assert ended.value.code == 2 and "data.also" in capsys.readouterr().err


@pytest.mark.parametrize("settings, key", [
    ({"training.seeds": 2}, "training.seeds"), ({"training.temperature": 3.0, "data.also": []}, "training.temperature"),
])  # fmt: skip
def test_settings_that_do_not_fit_are_named(tiny, tmp_path, settings, key):
    data, also = files(tmp_path)
    recipe = ask({"data": str(data), "model": str(tiny("bert"))}, {"data.also": [str(also)], **settings})
    with pytest.raises(RecipeError, match=key):
        train(recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists(), "what could not begin leaves nothing behind"


@pytest.mark.parametrize("lines, problem", [
    ('[data]\ntrain = "graded.csv"\n[optimizer]\nlearning_rate = 0.5\n', "optimizer.learning_rate"),
    ('[data]\ntrain = "graded.csv"\nalso = ["rows.csv"]\n', "data.also"),
    ('[task]\nname = "regression"\n', "data.train"),
    ('[data]\ntrain = "graded.csv"\n[task]\nname = "regresion"\n', "task.name"),
])  # fmt: skip
def test_a_recipe_that_asks_for_more_than_its_task_is_refused(tiny, tmp_path, monkeypatch, lines, problem):
    data, _ = files(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.toml").write_text(lines)
    recipe = ask({"data": str(data), "model": str(tiny("bert")), "also": ["other.toml"]}, OWN)
    with pytest.raises(RecipeError, match=problem):
        train(recipe, tmp_path / "run")


def test_a_missing_file_is_named(tiny, tmp_path):
    data, _ = files(tmp_path)
    recipe = ask({"data": str(data), "model": str(tiny("bert")), "also": [str(tmp_path / "none.csv")]}, OWN)
    with pytest.raises(BertuneError, match=r"none\.csv"):
        train(recipe, tmp_path / "run")


def test_two_files_of_one_name_and_a_task_with_tokens_of_its_own(tiny, tmp_path):
    """Relations bring tokens, for which the table of embeddings grows for all."""
    from bertune.base import registry

    data = data_file(tmp_path)
    other = tmp_path / "more"
    other.mkdir()
    shutil.copy(data, other / data.name)
    relations = tmp_path / registry.load("tasks", "relation_extraction").file
    relations = relations.with_name("relations" + relations.suffix)
    relations.write_text(registry.load("tasks", "relation_extraction").example, encoding="utf-8")
    recipe = ask({"data": str(data), "model": str(tiny("bert")), "also": [str(other / data.name), str(relations)]}, OWN)
    run = bertune.load(begin(recipe, tmp_path / "run").path)
    assert sorted(run.also) == ["relations", "rows"]
    sizes = [load_file(r.model_path / "model.safetensors")["bert.embeddings.word_embeddings.weight"].shape
             for r in (run, *run.also.values())]  # fmt: skip
    assert len(set(sizes)) == 1
    assert run.predict(["a good day"])[0].label in ("good", "bad")
