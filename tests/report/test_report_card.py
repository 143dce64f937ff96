"""The model card: YAML that reads back, Markdown that shows labels as text, no text of the data."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from report_runs import TEXTS, full, hostile, minimal

from bertune.report.card import card, plain


def head(text: str) -> tuple[dict[str, Any], str]:
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def test_the_head_reads_back(tmp_path: Path) -> None:
    front, _ = head(card(full(tmp_path / "messages-1")))
    assert front["pipeline_tag"] == "text-classification"
    assert front["library_name"] == "transformers"
    assert front["language"] == ["en"]
    metrics = front["model-index"][0]["results"][0]["metrics"]
    assert {m["type"] for m in metrics} == {"macro_f1", "accuracy", "log_loss"}
    assert "base_model" not in front


@pytest.mark.parametrize("language", ["en", "zh"])
def test_minimal_and_hostile_runs_have_a_card(language: str, tmp_path: Path) -> None:
    assert head(card(minimal(tmp_path / "a"), language))[0]["library_name"] == "transformers"
    text = card(hostile(tmp_path / "b"), language)
    assert head(text)[0]["pipeline_tag"] == "text-classification"
    text.encode("utf-8")
    body = re.sub(r"(?s)```.*?```", "", head(text)[1])
    assert not re.search(r"(?<!\\)<", body)
    assert "\x00" not in text
    assert "\u202e" not in text


def test_the_table_has_one_cell_for_each_head(tmp_path: Path) -> None:
    rows = [line for line in card(hostile(tmp_path / "run")).splitlines() if line.startswith("| ")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert len(rows) == 5


def test_no_text_of_the_data_is_told(tmp_path: Path) -> None:
    text = card(full(tmp_path / "run"))
    assert not any(t[:20] in text for t in TEXTS)


def test_verdict_scores_limits_and_use(tmp_path: Path) -> None:
    text = card(full(tmp_path / "run", errors=True))
    assert "**Verdict: Look closer**" in text
    assert 'pipeline("text-classification", model=".")' in text
    assert "first 96 tokens" in text
    assert "1.31" in text


def test_a_hub_model_is_named_as_base(tmp_path: Path) -> None:
    run = full(tmp_path / "run")
    record = (run / "run.json").read_text(encoding="utf-8")
    (run / "run.json").write_text(record.replace('"minilm"', '"hfl/rbt3"'), encoding="utf-8")
    assert head(card(run))[0]["base_model"] == "hfl/rbt3"


def test_markdown_in_labels_is_inert() -> None:
    assert plain("a|b\n# *c* <d> `e`") == r"a\|b \# \*c\* \<d\> \`e\`"


def test_the_same_run_gives_the_same_card(tmp_path: Path) -> None:
    assert card(full(tmp_path / "a" / "run")) == card(full(tmp_path / "b" / "run"))
