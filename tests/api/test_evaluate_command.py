"""bertune evaluate: scores equal to scikit-learn's, everything left out is named, every look is noted."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn.metrics as sm
from api_data import doubted, single_rows
from rich.cells import cell_len

import bertune
from bertune.base.errors import BertuneError, DataError
from bertune.base.types import Judged, Score
from bertune.runs.evaluate import Evaluation, evaluate_command, report_lines
from bertune.runs.folder import Folder
from bertune.runs.seen import seen_rows, write_seen
from bertune.runs.telling import Json, Silent

NONE: dict[str, str | None] = {}


def saved(path: Path, rows: dict[str, list]) -> str:
    pq.write_table(pa.table(rows), path)
    return str(path)


def test_scores_and_what_was_left_out(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    rows = single_rows(40, seed=9)
    rows["label"][:3] = ["Good", "Good", "ugly"]
    rows["label"][3] = None
    rows["text"][4] = " "
    before = len(Folder(run).record()["test_openings"])
    teller = Silent()
    evaluate_command(str(run), saved(tmp_path / "t.parquet", rows), str(tmp_path / "s.json"), NONE, teller)
    found = json.loads((tmp_path / "s.json").read_text())
    guess = [p.label for p in bertune.load(run).predict(rows["text"][5:])]
    gold = rows["label"][5:]
    assert found["rows"] == 35
    assert found["scores"]["accuracy"]["value"] == pytest.approx(sm.accuracy_score(gold, guess))
    assert found["scores"]["macro_f1"]["value"] == pytest.approx(sm.f1_score(gold, guess, average="macro"))
    assert found["confusion"] == sm.confusion_matrix(gold, guess, labels=["bad", "good"]).tolist()
    named = {entry["label"]: entry for entry in found["unknown_labels"]}
    assert {k: v["count"] for k, v in named.items()} == {"Good": 2, "ugly": 1}
    assert [place["row"] for place in named["Good"]["rows"]] == [1, 2]
    assert (found["unlabelled"], found["refused"], found["seen_in_training"]) == (1, 1, 0)
    said = " ".join(text for _, text in teller.heard)
    assert "no label 'Good' (rows 1, 2)" in said and "1 row without a label" in said
    openings = Folder(run).record()["test_openings"]
    assert len(openings) == before + 1
    assert openings[-1]["rows"] == 35 and openings[-1]["data_digest"] == found["data_digest"] and openings[-1]["time"]


def test_rows_that_were_learned_from_are_counted(trained: Callable[..., Path], tmp_path: Path) -> None:
    run = trained()
    learned = doubted(single_rows(160))
    new = single_rows(20, seed=77)
    rows = {name: learned[name][:30] + new[name] for name in new}
    rows["text"][0] = rows["text"][0].upper() + "  "
    evaluate_command(str(run), saved(tmp_path / "t.parquet", rows), str(tmp_path / "s.json"), NONE, Silent())
    found = json.loads((tmp_path / "s.json").read_text())
    assert 15 <= found["seen_in_training"] <= 30  # those 30 rows were dealt to three splits
    rest = found["without_seen"]["accuracy"]
    assert rest["n"] == 50 - found["seen_in_training"]


def test_labels_that_are_all_unknown_are_an_error(trained: Callable[..., Path], tmp_path: Path) -> None:
    rows = {"text": ["a b", "c d"], "label": ["x", "y"]}
    with pytest.raises(DataError, match=r"'bad', 'good'(.|\n)*'x', 'y'"):
        evaluate_command(str(trained()), saved(tmp_path / "t.parquet", rows), None, NONE, Silent())
    with pytest.raises(BertuneError, match="label"):
        evaluate_command(str(trained()), saved(tmp_path / "u.parquet", {"text": ["a b"]}), None, NONE, Silent())


def test_one_object_for_machines(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = saved(tmp_path / "t.parquet", single_rows(20, seed=9))
    evaluate_command(str(trained()), data, str(tmp_path / "s.json"), NONE, Json())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    found = json.loads(lines[0])
    assert {k: found[k] for k in ("scores", "per_class")} == {
        k: v for k, v in json.loads((tmp_path / "s.json").read_text()).items() if k in ("scores", "per_class")
    }


def test_a_model_folder_alone_is_judged_too(
    trained: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = saved(tmp_path / "t.parquet", single_rows(20, seed=9))
    evaluate_command(str(trained() / "model"), data, None, NONE, Silent())
    assert "macro_f1" in capsys.readouterr().out


def test_the_table_fits_80_columns() -> None:
    random = np.random.default_rng(0)
    classes = tuple(f"{'很长的标签' * 9} {i}\n\x1b[31m" for i in range(77))
    chances = random.dirichlet(np.ones(77), 500)
    judged = Judged(random.integers(0, 77, 500), chances.argmax(1), chances, classes)
    names = ("macro_f1", "balanced_accuracy", "calibration_error", "matthews", "log_loss")
    scores = {name: Score(-0.123, -0.456, 12.345, 500) for name in names}
    found = Evaluation(scores, judged, "macro_f1", 0, 0, 0, "class", seen=7, without_seen=scores)
    lines = report_lines(found)
    assert max(cell_len(line) for line in lines) <= 80
    assert all(line.isprintable() for line in lines)
    assert len(lines) < 45 and "47 classes" in lines[-1]


def test_digests_of_texts_know_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "seen.bin"
    assert seen_rows(path, ["a"], None) is None
    write_seen(path, ["One text", "another"], None)
    assert seen_rows(path, ["one  TEXT ", "One tex", "another"], None).tolist() == [True, False, True]
    assert b"text" not in path.read_bytes()
    write_seen(path, ["a", "c"], ["b", "d"])
    assert seen_rows(path, ["a", "a", "a b"], ["b", "d", ""]).tolist() == [True, False, False]
    path.write_bytes(b"123")
    assert seen_rows(path, ["a"], None) is None
