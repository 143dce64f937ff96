"""Reading a run folder: missing files read as empty, damaged ones are named."""

import json
import math
from pathlib import Path

import pytest
from report_runs import full, minimal, write_json

from bertune.base.errors import DataError
from bertune.report.folder import RunFolder
from bertune.report.page import write


def test_a_minimal_run_reads_as_empty(tmp_path: Path) -> None:
    run = RunFolder(minimal(tmp_path / "run"))
    assert run.findings == run.history == run.suspects == run.per_class == ()
    assert run.scores() == run.baselines == run.recipe == {}
    assert run.score is run.best_baseline is run.predictions is None
    assert run.judged == (0, ())


def test_a_full_run(tmp_path: Path) -> None:
    run = RunFolder(full(tmp_path / "runs" / "messages-1", errors=True))
    assert (run.name, run.shown) == ("messages-1", "runs/messages-1")
    assert [f.severity for f in run.findings] == ["error", "warning", "warning", "note"]
    assert (len(run.steps), len(run.checks)) == (90, 9)
    assert run.checks[0].scores.keys() == {"macro_f1", "accuracy"}
    assert run.recipe["data.split.name"] == "stratified"
    assert run.examples == 12
    assert run.score is not None
    assert run.best_baseline is not None
    assert run.best_baseline[0] == "tfidf"
    assert sum(map(sum, run.confusion)) == 112
    assert run.bins("after")[-1].n == 56


def test_mistakes_are_the_wrong_answers_with_the_most_confident_first(tmp_path: Path) -> None:
    run = RunFolder(full(tmp_path / "run"))
    n, wrong = run.judged
    assert n == 112
    assert len(wrong) == 112 - sum(run.confusion[k][k] for k in range(6))
    assert all(m.gold != m.answer for m in wrong)
    assert [m.probability for m in wrong] == sorted((m.probability for m in wrong), reverse=True)


@pytest.mark.parametrize("name", ["run.json", "scores.json", "findings.json", "suspects.json"])
@pytest.mark.parametrize("content", [b'{"a": ', b"\xff\xfe", b'"text"'])
def test_a_damaged_file_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    run = full(tmp_path / "run")
    (run / name).write_bytes(content)
    folder = RunFolder(run)
    with pytest.raises(DataError, match=name.replace(".", r"\.")):
        _ = folder.facts, folder.results, folder.findings, folder.suspects


def test_damaged_predictions_and_recipe_are_named(tmp_path: Path) -> None:
    run = full(tmp_path / "run")
    (run / "predictions" / "test.parquet").write_bytes(b"PAR1 not")
    (run / "recipe.toml").write_text("[data", encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.parquet"):
        _ = RunFolder(run).predictions
    with pytest.raises(DataError, match=r"recipe\.toml"):
        _ = RunFolder(run).recipe


def test_a_last_history_line_cut_off_is_left_out_but_no_other(tmp_path: Path) -> None:
    run = full(tmp_path / "run")
    whole = (run / "history.jsonl").read_text(encoding="utf-8")
    (run / "history.jsonl").write_text(whole + '{"event": "step', encoding="utf-8")
    assert len(RunFolder(run).steps) == 90
    (run / "history.jsonl").write_text('{"event": "step\n' + whole, encoding="utf-8")
    with pytest.raises(DataError, match="line 1"):
        _ = RunFolder(run).history


def test_figures_that_are_none_or_not_numbers_read_as_unknown(tmp_path: Path) -> None:
    run = full(tmp_path / "run")
    write_json(run / "scores.json", {"test": {"macro_f1": {"value": None, "low": "x", "n": None}, "accuracy": "high"}})
    score = RunFolder(run).scores()["macro_f1"]
    assert math.isnan(score.value)
    assert math.isnan(score.low)
    assert "accuracy" not in RunFolder(run).scores()


def test_without_a_test_set_the_validation_rows_are_shown(tmp_path: Path) -> None:
    run = full(tmp_path / "run")
    results = json.loads((run / "scores.json").read_text(encoding="utf-8"))
    del results["test"]
    write_json(run / "scores.json", results | {"judged_on": "valid"})
    (run / "predictions" / "test.parquet").rename(run / "predictions" / "valid.parquet")
    assert RunFolder(run).score is None
    assert RunFolder(run).judged[0] == 112
    assert "no labelled rows were kept aside" in write(run).read_text(encoding="utf-8")


def test_a_restart_hides_the_attempt_before_it_and_a_resume_does_not(tmp_path: Path) -> None:
    run = full(tmp_path / "run")
    first = '{"event": "started", "step": 0, "steps": 9}\n{"event": "stepped", "step": 1, "loss": 5.0}\n'
    whole = (run / "history.jsonl").read_text(encoding="utf-8")
    resumed = '{"event": "started", "step": 90, "steps": 91, "resumed": true}\n{"event": "stepped", "step": 91}\n'
    (run / "history.jsonl").write_text(first + whole + resumed, encoding="utf-8")
    assert [step.step for step in RunFolder(run).steps] == list(range(1, 92))
    assert RunFolder(run).planned_steps == 91


def test_doubt_grows_as_the_margin_of_the_given_label_falls(tmp_path: Path) -> None:
    doubts = [suspect.doubt for suspect in RunFolder(full(tmp_path / "run")).suspects]
    assert doubts == sorted(doubts, reverse=True)
    assert doubts[0] == pytest.approx(0.97)
