"""bertune predict: files and lines in, answers out, complete or not at all."""

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from api_data import pair_rows, single_rows
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import bertune
from bertune.base.errors import BertuneError, DataError, RecipeError
from bertune.base.types import Examples, Guesses
from bertune.cli.main import run as command_line
from bertune.runs import predict as module
from bertune.runs.answers import Portion, harmless, shortened, shown, write
from bertune.runs.new_rows import NewRows
from bertune.runs.predict import Answered, predict_command
from bertune.runs.telling import Json, Silent
from bertune.tasks.text_classification import TextClassification

ODD = ['="1+1"', "", "a", "😀", "مرحبا", "two\nlines, and a comma", "lovely " * 200, "-5", "plain text"]
NONE: dict[str, str | None] = {}


def written(path: Path, texts: list[str | None], **more: list[str]) -> Path:
    columns = pa.table({"text": texts, **more})
    if path.suffix == ".parquet":
        pq.write_table(columns, path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in columns.to_pylist()), encoding="utf-8")
    else:
        with open(path, "w", newline="", encoding="utf-8") as handle:
            rows = csv.writer(handle)
            rows.writerow(columns.column_names)
            rows.writerows([["" if v is None else v for v in row.values()] for row in columns.to_pylist()])
    return path


def read_back(path: Path) -> list[dict]:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        classes = json.loads(table.schema.metadata[b"bertune.classes"])
        rows = table.to_pylist()
        for row in rows:
            if row["probabilities"] is not None:
                row["probabilities"] = dict(zip(classes, row["probabilities"], strict=True))
        return rows
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    with open(path, newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        row["row"] = int(row["row"])
        row["prediction"] = row["prediction"] or None
        row["probability"] = float(row["probability"]) if row["probability"] else None
        row["probabilities"] = json.loads(row["probabilities"]) if row["probabilities"] else None
    return rows


@pytest.mark.parametrize("kind", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("out_kind", [".csv", ".jsonl", ".parquet"])
def test_answers_are_those_of_the_interface_in_row_order(
    kind: str, out_kind: str, trained: Callable[..., Path], tmp_path: Path
) -> None:
    data = written(tmp_path / f"new{kind}", ODD, label=["good", "bad"] * 4 + ["other"])
    out = tmp_path / f"answers{out_kind}"
    teller = Silent()
    for _ in range(2):  # again over what is there
        predict_command(str(trained()), str(data), str(out), NONE, teller)
    rows = read_back(out)
    wanted = bertune.load(trained()).predict(ODD)
    assert [row["row"] for row in rows] == list(range(1, len(ODD) + 1))
    assert [row["prediction"] for row in rows] == [p.label for p in wanted]
    assert [row["label"] for row in rows] == ["good", "bad"] * 4 + ["other"]
    for row, mine in zip(rows, wanted, strict=True):
        if mine.label is None:
            assert row["probability"] is None and row["probabilities"] is None and row["problem"] == "no text"
        else:
            assert row["probability"] == pytest.approx(mine.probability, abs=1e-9)
            assert row["probabilities"] == pytest.approx(mine.probabilities, abs=1e-9)
    said = " ".join(text for _, text in teller.heard)
    assert "1 not answered: no text (row 2)" in said and "cut at" in said and "9 rows" in said
    assert "lovely" not in said and "plain" not in said  # no text in what is said
    assert not list(tmp_path.glob("*.partial"))


def test_portions_change_nothing(trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file read in portions of 7 and answered 3 at once gives what one portion gives, and is never held whole."""
    data = written(tmp_path / "new.csv", single_rows(40)["text"])
    predict_command(str(trained()), str(data), str(tmp_path / "whole.jsonl"), NONE, Silent())
    monkeypatch.setattr("bertune.data.readers._delimited.CHUNK_ROWS", 7)
    monkeypatch.setattr(module, "AT_ONCE", 3)
    sizes: list[int] = []
    real = module.predict_examples

    def counted(saved, examples, **rest):
        sizes.append(len(examples))
        return real(saved, examples, **rest)

    monkeypatch.setattr(module, "predict_examples", counted)
    predict_command(str(trained()), str(data), str(tmp_path / "parts.jsonl"), NONE, Silent())
    assert max(sizes) <= 7 and sum(sizes) == 40
    whole, parts = (read_back(tmp_path / f"{name}.jsonl") for name in ("whole", "parts"))
    assert [row["row"] for row in parts] == list(range(1, 41))
    for one, two in zip(whole, parts, strict=True):
        assert one["probabilities"] == pytest.approx(two["probabilities"], abs=1e-5)


def test_a_fault_half_way_leaves_what_was_there(
    trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = written(tmp_path / "new.csv", single_rows(20)["text"], extra=["x"] * 20)
    with open(data, "a", encoding="utf-8") as handle:
        handle.write("one,two,three,four\n")
    out = tmp_path / "answers.csv"
    out.write_text("mine")
    monkeypatch.setattr("bertune.data.readers._delimited.CHUNK_ROWS", 5)
    with pytest.raises(DataError, match="row 21"):
        predict_command(str(trained()), str(data), str(out), NONE, Silent())
    assert out.read_text() == "mine" and not list(tmp_path.glob("*.partial"))


def test_the_columns_of_training_or_those_named(trained: Callable[..., Path], tmp_path: Path) -> None:
    run, rows = str(trained()), single_rows(3)["text"]
    both = tmp_path / "both.csv"
    both.write_text("body,text\n" + "".join(f"{a},{b}\n" for a, b in zip(rows, reversed(rows), strict=True)))
    teller = Silent()
    predict_command(run, str(both), str(tmp_path / "a.jsonl"), NONE, teller)
    predict_command(run, str(both), str(tmp_path / "b.jsonl"), {"text": "body"}, teller)
    a, b = (read_back(tmp_path / f"{name}.jsonl") for name in "ab")
    assert [r["probability"] for r in a] == pytest.approx([r["probability"] for r in reversed(b)], abs=1e-6)
    other = tmp_path / "other.csv"
    other.write_text("message,id\n" + "".join(f"{a},{i}\n" for i, a in enumerate(rows)))
    predict_command(run, str(other), str(tmp_path / "c.jsonl"), NONE, teller)
    assert any('text taken from "message"' in text for _, text in teller.heard)
    with pytest.raises(DataError, match="bdy"):
        predict_command(run, str(both), None, {"text": "bdy"}, teller)
    with pytest.raises(DataError, match="single texts"):
        predict_command(run, str(both), None, {"text_pair": "body"}, teller)


def test_pairs_from_files_and_lines(
    trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run, rows = trained("bert", pairs=True), pair_rows(3)
    pq.write_table(pa.table(rows), tmp_path / "pairs.parquet")
    predict_command(str(run), str(tmp_path / "pairs.parquet"), str(tmp_path / "a.jsonl"), NONE, Silent())
    wanted = bertune.load(run).predict(rows["sentence1"], rows["sentence2"])
    found = read_back(tmp_path / "a.jsonl")
    assert [r["probability"] for r in found] == pytest.approx([p.probability for p in wanted], abs=1e-9)
    lines = "".join(f"{a}\t{b}\n" for a, b in zip(rows["sentence1"], rows["sentence2"], strict=True)) + "alone\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(lines.encode())))
    predict_command(str(run), "-", None, NONE, Json())
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["probability"] for r in printed[:3]] == pytest.approx([p.probability for p in wanted], abs=1e-5)
    assert printed[3]["problem"] == "no second text"
    with pytest.raises(DataError, match="pairs"):
        predict_command(str(run), str(written(tmp_path / "one.csv", ["a b"])), None, NONE, Silent())


@pytest.mark.parametrize("as_json", [False, True])
def test_lines_from_stdin(
    as_json: bool, trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = "\ufefflovely great film\r\n\nawful \x1b[31mdull plot" + " and so on" * 30 + "\n这家店很好"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(given.encode("utf-8"))))
    with pytest.raises(SystemExit) as end:
        command_line(["predict", str(trained()), "-", *(["--json"] if as_json else [])])
    assert end.value.code == 0
    out, err = capsys.readouterr()
    wanted = bertune.load(trained()).predict(given.removeprefix("\ufeff").splitlines())
    lines = out.splitlines()
    assert len(lines) == 4 and "not answered: no text (row 2)" in err
    if as_json:
        found = [json.loads(line) for line in lines]
        assert [f["row"] for f in found] == [1, 2, 3, 4]
        assert [f["prediction"] for f in found] == [p.label for p in wanted]
        assert set(found[0]) == {"row", "prediction", "probability", "probabilities"}
    else:
        assert all(cell_len(line) <= 80 and "\x1b" not in line for line in lines)
        assert lines[0].split() == [wanted[0].label, f"{wanted[0].probability:.3f}", "lovely", "great", "film"]
        assert lines[1].split()[0] == "-" and lines[2].endswith("…")


def test_bytes_that_are_no_utf8_are_named(trained: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"fine\n\xff\xfe\n")))
    with pytest.raises(DataError, match=r"stdin line 2(.|\n)*0xff"):
        predict_command(str(trained()), "-", None, NONE, Silent())


def test_wrong_calls_are_refused_first(trained: Callable[..., Path], tmp_path: Path) -> None:
    run, data = str(trained()), str(written(tmp_path / "new.csv", ["a b"]))
    before = (tmp_path / "new.csv").read_bytes()
    for out in (str(tmp_path / "x.xlsx"), str(tmp_path / "x"), str(tmp_path), data):
        with pytest.raises(DataError):
            predict_command(run, data, out, NONE, Silent())
    assert (tmp_path / "new.csv").read_bytes() == before
    with pytest.raises(RecipeError, match=r"loss\.name"):
        predict_command(run, data, None, NONE, Silent(), ["loss.name=focal"])
    for wrong in ((run, str(tmp_path / "none.csv")), (str(tmp_path), data)):
        with pytest.raises(BertuneError):
            predict_command(*wrong, None, NONE, Silent())


def test_how_a_file_is_read_may_be_said(trained: Callable[..., Path], tmp_path: Path) -> None:
    data = tmp_path / "new.dat"
    data.write_text('text\n"lovely film\n', encoding="utf-8")
    settings = ["data.format=csv", "data.quoting=none"]
    predict_command(str(trained()), str(data), str(tmp_path / "a.jsonl"), NONE, Silent(), settings)
    assert len(read_back(tmp_path / "a.jsonl")) == 1


def test_no_rows_give_an_empty_file(trained: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("text\n")
    for kind in (".csv", ".jsonl", ".parquet"):
        teller = Silent()
        predict_command(str(trained()), str(tmp_path / "new.csv"), str(tmp_path / f"a{kind}"), NONE, teller)
        assert read_back(tmp_path / f"a{kind}") == []
        assert any("no rows" in text for _, text in teller.heard)


def portion(classes: tuple[str, ...], labels: list[str | None]) -> Portion:
    """Answers without a model: each row gets the class of its position."""
    count = len(labels)
    chances = np.full((count, len(classes)), 1 / len(classes))
    guesses = Guesses(np.arange(count) % len(classes), chances)
    nothing = np.zeros(count, bool)
    answered = Answered(TextClassification(), classes, guesses, np.arange(count), (None,) * count, nothing)
    return Portion(NewRows(np.arange(1, count + 1), Examples(["x"] * count, None, labels)), answered)


def test_no_cell_of_a_csv_file_is_a_formula(tmp_path: Path) -> None:
    names = ("=HYPERLINK(1)", "+1", "-1", "@SUM", "\tx", "\rx", "plain", 'quo"te')
    out = tmp_path / "a.csv"
    write(out, [portion(names, [*names])])
    with open(out, newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        for value in row.values():
            assert not (value or "").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert [row["prediction"].removeprefix("'") for row in rows] == list(names)
    write(tmp_path / "a.jsonl", [portion(names, [*names])])  # machines get them as they are
    assert [row["prediction"] for row in read_back(tmp_path / "a.jsonl")] == list(names)


@given(st.text())
def test_an_escaped_cell_gives_the_text_back(text: str) -> None:
    escaped = harmless(text)
    assert escaped in (text, "'" + text)
    assert not escaped.startswith(("=", "+", "-", "@", "\t", "\r"))


@given(st.text(), st.integers(1, 60))
def test_a_shown_text_is_one_line_within_its_width(text: str, width: int) -> None:
    line = shortened(shown(text), width)
    assert cell_len(line) <= width and len(line.splitlines()) <= 1
    assert all(c.isprintable() for c in line)


def test_a_broken_writer_would_be_noticed(tmp_path: Path) -> None:
    """A broken specimen: an iterator that fails after its first portion leaves nothing behind."""

    def broken():
        yield portion(("a", "b"), [None])
        raise OSError(28, "No space left on device")

    for kind in (".csv", ".jsonl", ".parquet"):
        with pytest.raises(OSError, match="No space"):
            write(tmp_path / f"a{kind}", broken())
    assert list(tmp_path.iterdir()) == []
    assert not math.isnan(portion(("a", "b"), [None]).answered.probabilities.sum())


def test_a_first_text_that_may_be_taken_for_a_name_is_told(trained: Callable[..., Path], tmp_path: Path) -> None:
    run, texts, teller = str(trained()), ["one text of five words", "another text of five words"], Silent()
    bare = tmp_path / "bare.csv"
    bare.write_text("\n".join(texts) + "\n")
    predict_command(run, str(bare), str(tmp_path / "a.jsonl"), NONE, teller)
    assert len(read_back(tmp_path / "a.jsonl")) == 1
    assert any("if that is the first text: --set data.header=no" in text for _, text in teller.heard)
    predict_command(run, str(bare), str(tmp_path / "b.jsonl"), NONE, Silent(), ["data.header=no"])
    assert len(read_back(tmp_path / "b.jsonl")) == 2
