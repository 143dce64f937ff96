"""Slices, class intervals and openings in the report, in both languages."""

import json
from pathlib import Path

from report_runs import full

from bertune.report.folder import RunFolder
from bertune.report.sections.scores import Scores
from bertune.report.words import Words


def section(run: Path, language: str = "en") -> str:
    found = Scores()(RunFolder(run), Words(language))
    assert found is not None
    return found


def changed(run: Path, name: str, **values: object) -> Path:
    file = run / name
    file.write_text(json.dumps(json.loads(file.read_text()) | values))
    return run


def test_a_slice_below_the_rest_is_named_with_the_rule_and_few_rows_are_told(tmp_path: Path) -> None:
    shown = section(full(tmp_path / "runs" / "a"))
    assert "Worse than the other rows by more than chance" in shown and "Holm" in shown
    assert "channel: fax" in shown and "channel: mail" not in shown
    assert "below the rest, few rows" in shown and "1 of these parts" in shown


def test_in_chinese_the_parts_that_bertune_makes_are_translated(tmp_path: Path) -> None:
    shown = section(full(tmp_path / "runs" / "a"), "zh")
    assert "文本长度" in shown and "至多 12 个词元" in shown and "超过 12 个词元" in shown
    assert "差于其余" in shown and "channel" in shown  # a column of the data keeps its name


def test_where_no_part_is_worse_that_is_said(tmp_path: Path) -> None:
    run = full(tmp_path / "runs" / "a")
    whole = json.loads((run / "scores.json").read_text())["slices"]
    whole["channel"]["fax"] |= {"below_rest": False, "few_rows": False}
    shown = section(changed(run, "scores.json", slices=whole))
    assert "No part is worse" in shown and "below the rest" not in shown and "fewer than 30" not in shown


def test_slices_of_an_older_run_have_no_verdict(tmp_path: Path) -> None:
    old = {"length": {"short": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 50}}}
    shown = section(changed(full(tmp_path / "runs" / "a"), "scores.json", slices=old))
    assert ">short<" in shown.replace("<bdi>", ">").replace("</bdi>", "<") or "short" in shown
    assert "No part is worse" not in shown and "by more than chance" not in shown


def test_values_that_look_like_html_stay_text(tmp_path: Path) -> None:
    bad = {"<b>x": {"<script>alert(1)</script>": {"value": 0.1, "low": 0.0, "high": 0.3, "n": 9, "few_rows": True,
                                                  "below_rest": True}}}  # fmt: skip
    shown = section(changed(full(tmp_path / "runs" / "a"), "scores.json", slices=bad))
    assert "<script>" not in shown and "<b>x" not in shown and "alert(1)" in shown


def test_classes_show_the_interval_of_their_f1(tmp_path: Path) -> None:
    run = full(tmp_path / "runs" / "a")
    entry = json.loads((run / "scores.json").read_text())["per_class"][0]
    assert f"{entry['low']:.3f} – " in section(run)


def test_how_often_the_test_rows_were_looked_at_is_told(tmp_path: Path) -> None:
    run = full(tmp_path / "runs" / "a")
    assert "looked at once" in section(run)
    own = {"time": "t", "why": "train", "data_digest": "a"}
    looks = [own, {"time": "t", "data_digest": "a"}, {"time": "t", "data_digest": "other"}]
    assert "looked at 2 times" in section(changed(run, "run.json", test_openings=looks))
