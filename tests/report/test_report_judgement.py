"""When a model may be used: each rule speaks where it should, and stays silent otherwise."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from report_runs import full, minimal, value, write_json

from bertune.report.folder import RunFolder
from bertune.report.judgement import Judgement, judge

Change = Callable[[dict[str, Any], dict[str, Any]], None]


def good(path: Path) -> Path:
    """A run of which nothing bad can be said."""
    run = full(path, classes=("ham", "spam"), n=600, right=0.99)
    return changed(run, lambda facts, scores: scores["test"].update(macro_f1=value(0.98, 0.01, 600)))


def changed(run: Path, change: Change) -> Path:
    facts, scores = (json.loads((run / name).read_text(encoding="utf-8")) for name in ("run.json", "scores.json"))
    change(facts, scores)
    write_json(run / "run.json", facts)
    write_json(run / "scores.json", scores)
    return run


def of(run: Path) -> Judgement:
    return judge(RunFolder(run))


def keys(judgement: Judgement) -> list[str]:
    return [reason.key for reason in judgement.reasons]


def test_a_good_run_may_be_used(tmp_path: Path) -> None:
    judgement = of(good(tmp_path / "run"))
    assert judgement.light == "use"
    assert keys(judgement) == ["gain", "narrow", "no_errors"]


def test_an_untested_run_needs_a_look(tmp_path: Path) -> None:
    assert (of(minimal(tmp_path / "run")).light, keys(of(tmp_path / "run"))) == ("look", ["untested"])


def test_no_better_than_a_baseline_must_not_be_used(tmp_path: Path) -> None:
    run = changed(good(tmp_path / "run"), lambda f, s: s["better_than_baseline"].update(verdict="no"))
    assert (of(run).light, keys(of(run))) == ("stop", ["no_gain"])


def test_one_answer_for_everything_must_not_be_used(tmp_path: Path) -> None:
    run = changed(good(tmp_path / "run"), lambda f, s: s.update(confusion=[[500, 0], [100, 0]]))
    judgement = of(run)
    assert judgement.light == "stop"
    assert judgement.reasons[0].values == {"label": "ham"}


LOOKS: list[tuple[str, Change]] = [
    ("unfinished", lambda f, s: f.update(status="interrupted")),
    ("unsure_gain", lambda f, s: s["better_than_baseline"].update(verdict="cannot tell")),
    ("wide", lambda f, s: s["test"].update(macro_f1=value(0.9, 0.051, 60))),
    ("weak_class", lambda f, s: s["per_class"][1].update(f1=0.49)),
    ("uncalibrated", lambda f, s: s["calibration"]["after"].update(ece=0.11)),
    ("cut", lambda f, s: f["lengths"]["ledger"]["train"].update(share_rows_cut=0.11)),
    ("reopened", lambda f, s: f["test_openings"].extend([{"time": "later"}] * 3)),
    ("seeds", lambda f, s: s.update(seeds=[{"seed": 0, "macro_f1": 0.98}, {"seed": 1, "macro_f1": 0.92}])),
]


@pytest.mark.parametrize(("key", "change"), LOOKS, ids=[key for key, _ in LOOKS])
def test_each_reason_to_look_closer(key: str, change: Change, tmp_path: Path) -> None:
    judgement = of(changed(good(tmp_path / "run"), change))
    assert (judgement.light, keys(judgement)) == ("look", [key])


def test_an_error_finding_asks_for_a_look(tmp_path: Path) -> None:
    run = good(tmp_path / "run")
    write_json(run / "findings.json", [{"code": "leak", "severity": "error", "message": "m", "fix": "f", "rows": []}])
    assert keys(of(run)) == ["errors"]
