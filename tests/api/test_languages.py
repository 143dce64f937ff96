"""Trained in one language, tested in others: a column that names the language gives a score for each."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from api_data import single_rows

import tiny_models
from bertune.cli.main import run as command_line

SETTINGS = (
    "training.epochs=1", "training.seeds=1", "training.threads=1", "training.precision=fp32",
    "evaluation.resamples=100", "evaluation.baselines=false", "evaluation.suspects=false",
)  # fmt: skip


def file_of(path: Path, rows: dict[str, list[str]], **more: list[str]) -> str:
    pq.write_table(pa.table({**rows, **more}), path)
    return str(path)


def other_languages(rows: int) -> dict[str, list[str]]:
    """As many rows in English as in Chinese."""
    english = single_rows(rows, 2)
    chinese = [tiny_models.CHINESE[i % len(tiny_models.CHINESE)] + "的" * (i // 4) for i in range(rows)]
    labels = ["good" if "好" in text and "不" not in text else "bad" for text in chinese]
    return {"text": english["text"] + chinese, "label": english["label"] + labels}


@pytest.mark.parametrize("column, told", [("language", True), ("语言", True), ("lang", False)])
@pytest.mark.parametrize("words", ["en", "zh"])
def test_each_language_of_the_test_rows_has_a_score(tiny, tmp_path: Path, column: str, told: bool, words: str) -> None:
    """`told`: whether the training rows name their language too."""
    named = {column: ["en"] * 80} if told else {}
    data = file_of(tmp_path / "en.parquet", single_rows(80, 1), **named)
    test = file_of(tmp_path / "other.parquet", other_languages(40), **{column: ["en"] * 40 + ["zh"] * 40})
    given = [part for setting in SETTINGS for part in ("--set", setting)]
    with pytest.raises(SystemExit) as end:
        command_line(["train", data, "--test", test, "--model", str(tiny()), "--language", words,
                      "--out", str(tmp_path / "run"), *given])  # fmt: skip
    assert end.value.code == 0
    found = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))["slices"][column]
    assert {language: part["n"] for language, part in found.items()} == {"en": 40, "zh": 40}
    for part in found.values():
        assert part["low"] <= part["value"] <= part["high"] and 0 < part["chance"] <= 1
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert f"{column}" in page and ("分段" in page or "部分" in page or words == "en")
    rows = [part for part in page.split("<tr") if column in part and ("zh" in part or "en" in part)]
    assert len(rows) >= 2, "the report shows a row for each language"


def test_one_language_is_no_slice(tiny, tmp_path: Path) -> None:
    data = file_of(tmp_path / "en.parquet", single_rows(80, 1), language=["en"] * 80)
    given = [part for setting in SETTINGS for part in ("--set", setting)]
    with pytest.raises(SystemExit):
        command_line(["train", data, "--model", str(tiny()), "--out", str(tmp_path / "run"), *given])
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))
    assert "language" not in scores.get("slices", {})
