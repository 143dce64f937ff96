"""Slices by columns of the data: named before training or in evaluate, and refused where a column is missing."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from api_data import FAST, single_rows

from bertune.base.errors import DataError
from bertune.base.types import Table
from bertune.cli.main import run as command_line
from bertune.data.frames import table_of
from bertune.runs.ask import ask
from bertune.runs.evaluate import evaluate_command
from bertune.runs.folder import Folder
from bertune.runs.parts import own_parts, parts_of, thirds
from bertune.runs.telling import Silent
from bertune.runs.train import train

CHANNELS = ["mail", "chat", "fax"]


def rows_of(rows: int, seed: int) -> dict[str, list]:
    made = single_rows(rows, seed)
    return {**made, "channel": [CHANNELS[i % 3] for i in range(rows)], "stars": [i % 5 for i in range(rows)]}


def saved(path: Path, rows: dict[str, list]) -> str:
    pq.write_table(pa.table(rows), path)
    return str(path)


def whole(columns: dict[str, list]) -> tuple[Table, np.ndarray]:
    table = table_of(columns)
    return table, np.arange(len(table))


def test_training_scores_by_the_named_columns_and_counts_the_opening(tiny, tmp_path: Path) -> None:
    test = rows_of(90, 2)
    train_rows = rows_of(120, 1)
    test["text"][:6], test["label"][:6] = train_rows["text"][:6], train_rows["label"][:6]
    flags = {"data": saved(tmp_path / "d.parquet", train_rows), "test": saved(tmp_path / "t.parquet", test),
             "model": str(tiny("bert"))}  # fmt: skip
    folder = train(ask(flags, {**FAST, "evaluation.slices": ("channel", "stars")}), tmp_path / "run")
    scores = json.loads(folder.scores.read_text())
    assert list(scores["slices"]) == ["length", "channel", "stars"]
    assert {k: v["n"] for k, v in scores["slices"]["channel"].items()} == dict.fromkeys(CHANNELS, 30)
    for values in scores["slices"].values():
        for entry in values.values():
            assert entry["low"] <= entry["value"] <= entry["high"] and 0 < entry["chance"] <= 1
    assert all(v["few_rows"] for v in scores["slices"]["stars"].values())  # 18 rows each
    assert not any(v["few_rows"] for v in scores["slices"]["channel"].values())
    assert all(c["low"] <= c["f1"] <= c["high"] for c in scores["per_class"])
    assert scores["leaked_rows"] >= 6
    for entry in scores["without_leaked"].values():
        assert entry["low"] <= entry["value"] <= entry["high"] and entry["low"] < entry["high"]
    (opening,) = folder.record()["test_openings"]
    assert opening["why"] == "train" and opening["rows"] == 90
    report = folder.report.read_text(encoding="utf-8")
    assert "channel" in report and "fax" in report

    teller = Silent()
    for _ in range(3):
        evaluate_command(str(folder.path), flags["test"], None, {}, teller)
    looks = folder.record()["test_openings"]
    assert [look["data_digest"] for look in looks] == [opening["data_digest"]] * 4  # the same rows, by whatever way
    assert "these rows have been looked at 4 times" in " ".join(text for _, text in teller.heard)


def test_a_column_that_is_missing_is_refused_before_training(tiny, tmp_path: Path) -> None:
    flags = {"data": saved(tmp_path / "d.parquet", rows_of(60, 1)), "model": str(tiny("bert"))}
    with pytest.raises(DataError, match=r"no column 'chanel'.*did you mean 'channel'"):
        train(ask(flags, {**FAST, "evaluation.slices": ("chanel",)}), tmp_path / "run")
    assert not (tmp_path / "run" / "scores.json").exists()


def test_evaluate_scores_by_a_column(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, data = trained(), saved(tmp_path / "t.parquet", rows_of(60, 9))
    with pytest.raises(SystemExit) as end:
        command_line(["evaluate", str(run), data, "--slice", "channel", "--out", str(tmp_path / "s.json")])
    out = capsys.readouterr().out
    assert end.value.code == 0 and "macro_f1 by channel" in out and "few rows" in out
    assert max(map(len, out.splitlines())) <= 80
    found = json.loads((tmp_path / "s.json").read_text())
    assert {k: v["n"] for k, v in found["slices"]["channel"].items()} == dict.fromkeys(CHANNELS, 20)
    assert Folder(run).record()["test_openings"][-1]["why"] == "evaluate"
    with pytest.raises(SystemExit) as end:
        command_line(["evaluate", str(run), data, "--slice", "chanel"])
    err = " ".join(capsys.readouterr().err.split())
    assert end.value.code == 2 and "did you mean 'channel'" in err and "--slice chanel" in err


def test_numbers_of_many_values_are_cut_into_thirds() -> None:
    table, rows = whole({"text": ["a"] * 90, "price": [float(i) for i in range(90)], "few": [i % 4 for i in range(90)]})
    found = parts_of(table, rows, ["price", "few"])
    assert sorted(set(found["few"])) == ["0", "1", "2", "3"]
    names, counts = np.unique(found["price"], return_counts=True)
    assert names.tolist() == ["over 29 up to 59", "over 59", "up to 29"] and counts.tolist() == [30, 30, 30]
    assert thirds(np.array([1.0, np.nan, 2.0, 3.0]))[1] is None


def test_a_column_of_the_language_is_taken_by_itself() -> None:
    table, rows = whole({"text": ["a", "b", "c"], "Language": ["en", "de", "en"], "other": ["x", "y", "z"]})
    assert parts_of(table, rows, []) == {"Language": ["en", "de", "en"]}
    table, rows = whole({"text": ["a", "b"], "language": ["en", "en"]})
    assert parts_of(table, rows, []) == {}  # of one value it tells nothing


def test_a_column_called_length_does_not_hide_the_length_of_the_texts() -> None:
    table, rows = whole({"text": ["a", "b"], "length": ["long", "short"]})
    assert parts_of(table, rows, ["length"]) == {"column length": ["long", "short"]}


def test_scripts_are_a_part_where_several_are_common() -> None:
    texts = ["plain words here"] * 40 + ["这是中文的句子"] * 30
    lengths = np.arange(70)
    assert set(own_parts(texts, lengths)["script"]) == {"latin", "han"}
    assert "script" not in own_parts(texts[:45], lengths[:45])  # five rows are no part
    assert set(own_parts(texts, lengths)["length"]) == {"up to 23 tokens", "over 23 up to 46 tokens", "over 46 tokens"}
    assert own_parts(texts[:10], lengths[:10]) == {}
