"""bertune predict --shards: answers that are complete or absent, tied to their rows and model, and kept."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
import torch
from api_data import single_rows

from bertune.base.errors import BertuneError, DataError, MissingExtra, ModelError, RecipeError
from bertune.cli.main import run as command_line
from bertune.engine.interrupt import Interrupted
from bertune.evaluate.saved import _last_linear, load, save
from bertune.runs import shards as module
from bertune.runs.folder import Folder
from bertune.runs.predict import predict_command
from bertune.runs.predict_shards import Wanted, predict_shards
from bertune.runs.shards import Predictor, Shard, Work, shards_of
from bertune.runs.telling import Silent

NONE: dict[str, str | None] = {}
NAMES = ("a.csv", "b.csv", "sub/文 😀.csv")


def write_csv(path: Path, texts: list[str], header: str = "text") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *texts]) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A folder of three files of texts, beside names that count for nothing."""
    folder = tmp_path / "texts"
    for number, name in enumerate(NAMES):
        write_csv(folder / name, single_rows(12 + number, seed=number)["text"])
    (folder / "_SUCCESS").write_text("")
    (folder / ".hidden").write_text("")
    return folder


def answer(run: Path, data: Path, out: Path, **more) -> list[str]:
    """What is said while the shards are answered by this process."""
    teller = Silent()
    assert predict_shards(str(run), str(data), Wanted(str(out)), more.pop("columns", NONE), teller, **more)
    return [text for _, text in teller.heard]


def answers(out: Path) -> dict[str, tuple[bytes, int]]:
    """The files of answers, by name: bytes, and when they were written."""
    return {
        path.relative_to(out).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(out.rglob("*"))
        if path.is_file() and module.DONE not in path.parts
    }


def answered_again(run: Path, data: Path, out: Path, **more) -> set[str]:
    """The names whose answers were written anew by a further run."""
    before = answers(out)
    answer(run, data, out, **more)
    return {name for name, found in answers(out).items() if before.get(name) != found}


def turned(run: Path, target: Path) -> Path:
    """A copy of a run whose model answers otherwise."""
    shutil.copytree(run, target)
    saved = load(target)
    with torch.no_grad():
        _last_linear(saved.model).weight.neg_()
    save(saved.model, saved.tokenizer, saved.about, target / "model")
    return target


def test_each_file_is_answered_as_if_it_were_alone(trained: Callable[..., Path], texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = answer(trained(), texts, out)
    assert set(answers(out)) == {f"{name}.parquet" for name in NAMES}
    for name in NAMES:
        alone = tmp_path / "alone.parquet"
        predict_command(str(trained()), str(texts / name), str(alone), NONE, Silent())
        assert (out / f"{name}.parquet").read_bytes() == alone.read_bytes()
    assert pa.dataset.dataset(out, format="parquet").count_rows() == 12 + 13 + 14  # the markers are no answers
    assert said[0] == "3 shards" and said[-1].endswith("3 of 3 shards · 39 rows answered now")
    assert not list(out.rglob("*.begun")) and not list(out.rglob("*.partial"))


def test_what_is_done_is_not_done_again(
    trained: Callable[..., Path], texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    answer(trained(), texts, out)
    before = answers(out)
    monkeypatch.setattr(module, "open_model", None)  # nothing is left that would need it
    assert "3 shards · 3 done before" in answer(trained(), texts, out)
    assert answers(out) == before


def test_only_what_changed_is_answered_again(trained: Callable[..., Path], texts: Path, tmp_path: Path) -> None:
    run, out = trained(), tmp_path / "out"
    every = {f"{name}.parquet" for name in NAMES}
    answer(run, texts, out)

    def a_row_changes() -> None:
        write_csv(texts / "b.csv", [text.swapcase() for text in single_rows(13, seed=1)["text"]])  # of the same size

    def answers_are_cut() -> None:
        os.truncate(out / "b.csv.parquet", 100)

    def the_marker_is_damaged() -> None:
        (out / module.DONE / "b.csv.parquet.json").write_text('{"of": ')

    def the_marker_is_of_another_kind() -> None:
        (out / module.DONE / "b.csv.parquet.json").write_text('[["of"]]')

    def the_answers_are_gone() -> None:
        (out / "b.csv.parquet").unlink()

    for change in (
        a_row_changes, answers_are_cut, the_marker_is_damaged, the_marker_is_of_another_kind, the_answers_are_gone
    ):  # fmt: skip
        change()
        assert answered_again(run, texts, out) == {"b.csv.parquet"}, change.__name__
    write_csv(texts / "new.csv", single_rows(3)["text"])
    assert answered_again(run, texts, out) == {"new.csv.parquet"}
    every.add("new.csv.parquet")
    assert answered_again(run, texts, out, columns={"text": "text"}) == every
    assert answered_again(run, texts, out, settings=["data.encoding=utf-8"]) == every
    assert answered_again(run, texts, out, settings=["data.encoding=utf-8"]) == set()


def test_another_model_answers_everything_again(trained: Callable[..., Path], texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer(trained(), texts, out)
    other = turned(trained(), tmp_path / "other")
    said = answer(other, texts, out)
    assert any(text.startswith("3 answered again") for text in said)
    alone = tmp_path / "alone.parquet"
    predict_command(str(other), str(texts / "a.csv"), str(alone), NONE, Silent())
    assert (out / "a.csv.parquet").read_bytes() == alone.read_bytes()
    assert answered_again(other, texts, out) == set()


@pytest.mark.parametrize(("most", "rows"), [(100, [7, 7, 7, 7, 7, 5]), (4, [14, 14, 12]), (1, [40])])
def test_a_single_file_is_cut_between_portions(
    most: int, rows: list[int], trained: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bertune.data.readers._delimited.CHUNK_ROWS", 7)
    monkeypatch.setattr(module, "MOST_CUTS", most)
    data = write_csv(tmp_path / "big.csv", single_rows(40)["text"])
    out, whole = tmp_path / "out", tmp_path / "whole.parquet"
    answer(trained(), data, out)
    predict_command(str(trained()), str(data), str(whole), NONE, Silent())
    names = sorted(answers(out))
    assert names == [f"big.csv.{i:05}.parquet" for i in range(1, len(rows) + 1)]
    parts = [pq.read_table(out / name) for name in names]
    assert [len(part) for part in parts] == rows
    assert pa.concat_tables(parts).equals(pq.read_table(whole))  # numbers of rows too


def test_a_file_without_rows_has_answers_without_rows(trained: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "there are no rows; nothing was answered" in answer(trained(), write_csv(tmp_path / "none.csv", []), out)
    assert pq.read_table(out / "none.csv.00001.parquet").num_rows == 0


def test_rows_that_are_not_answered_are_told_with_their_file(trained: Callable[..., Path], tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_csv(tmp_path / "in" / f"{name}.csv", ["lovely", '""', *['""'] * 5 * (name == "b")])
    said = answer(trained(), tmp_path / "in", tmp_path / "out")
    rows = ", ".join(f"{file}.csv.parquet:{row}" for file, row in [("a", 2), ("b", 2), ("b", 3), ("b", 4), ("b", 5)])
    assert f"7 not answered: no text (rows {rows} and 2 more)" in said


def test_a_shard_that_cannot_be_answered_leaves_the_others(
    trained: Callable[..., Path], texts: Path, tmp_path: Path
) -> None:
    out, teller = tmp_path / "out", Silent()
    (texts / "aa.parquet").write_text("no Parquet")
    with pytest.raises(DataError, match=r"1 shard could not be answered: aa\.parquet\.parquet"):
        predict_shards(str(trained()), str(texts), Wanted(str(out)), NONE, teller)
    assert set(answers(out)) == {f"{name}.parquet" for name in NAMES}
    assert any(text.startswith("aa.parquet.parquet not answered: ") for _, text in teller.heard)
    pq.write_table(pa.table({"text": single_rows(3)["text"]}), texts / "aa.parquet")
    assert answered_again(trained(), texts, out) == {"aa.parquet.parquet"}


def test_a_fault_of_ours_is_told_and_leaves_the_others(
    trained: Callable[..., Path], texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.portions_of

    def faulty(data: str, *rest) -> Iterator:
        if data.endswith("b.csv"):
            raise RuntimeError("a fault")
        return real(data, *rest)

    out, teller = tmp_path / "out", Silent()
    with monkeypatch.context() as patch:
        patch.setattr(module, "portions_of", faulty)
        assert not predict_shards(str(trained()), str(texts), Wanted(str(out)), NONE, teller)
        with pytest.raises(SystemExit) as stop:
            command_line(["predict", str(trained()), str(texts), "--shards", str(out)])
    assert stop.value.code == 1
    assert any("b.csv.parquet not answered: Traceback" in text for _, text in teller.heard)
    assert answered_again(trained(), texts, out) == {"b.csv.parquet"}


def test_a_stop_leaves_whole_answers_only(
    trained: Callable[..., Path], texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = module.answer_portions

    def stopping(saved, rows, told, precision, poll) -> Iterator:
        yield from real(saved, rows, told, precision, poll)
        if told.rows == 13:
            raise Interrupted(2)

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(module, "answer_portions", stopping)
        with pytest.raises(Interrupted):
            predict_shards(str(trained()), str(texts), Wanted(str(out)), NONE, Silent())
    assert set(answers(out)) == {"a.csv.parquet"}
    assert answered_again(trained(), texts, out) == {f"{name}.parquet" for name in NAMES[1:]}


def job(run: Path, texts: Path, out: Path) -> tuple[Work, Shard]:
    work = Work(str(run / "model"), module.model_digest(run / "model"), str(out), {}, [])
    return work, shards_of(str(texts), [])[0]


def called(work: Work, shard: Shard) -> dict:
    return json.loads(Predictor(json.dumps(asdict(work)))({"shard": json.dumps(asdict(shard))})["result"])


def test_a_job_that_its_worker_died_of_is_not_tried_again_at_once(
    trained: Callable[..., Path], texts: Path, tmp_path: Path
) -> None:
    """Ray gives the job of a worker that died to another one."""
    work, shard = job(trained(), texts, tmp_path / "out")
    work.begun(shard).parent.mkdir(parents=True)
    work.begun(shard).write_text("process 1 of here")
    assert called(work, shard)["failed"] == "its worker died (process 1 of here)"
    assert not work.answers(shard).exists()
    answer(trained(), texts, tmp_path / "out")  # but by the next command
    assert work.done(shard)


def test_a_job_that_was_done_gives_what_it_gave(trained: Callable[..., Path], texts: Path, tmp_path: Path) -> None:
    work, shard = job(trained(), texts, tmp_path / "out")
    first = called(work, shard)
    assert first["told"]["rows"] == 12
    written = work.answers(shard).stat().st_mtime_ns
    assert called(work, shard) == first and work.answers(shard).stat().st_mtime_ns == written


@pytest.mark.parametrize("what", ["another model", "no model", "another size", "no file"])
def test_a_worker_refuses_what_is_not_what_was_looked_at(
    what: str, trained: Callable[..., Path], texts: Path, tmp_path: Path
) -> None:
    work, shard = job(trained(), texts, tmp_path / "out")
    changed, expected = {
        "another model": ((replace(work, digest="0" * 64), shard), "the model here is another one"),
        "no model": ((replace(work, model=str(tmp_path)), shard), "no model of bertune lies here"),
        "another size": ((work, replace(shard, size=3)), "has changed since it was looked at"),
        "no file": ((work, replace(shard, file="/nowhere")), "is not on the machine that answers it"),
    }[what]
    assert expected in called(*changed)["refused"]
    assert not work.marker(shard).exists() and not work.answers(shard).exists()


def test_only_plain_values_go_to_workers(texts: Path, trained: Callable[..., Path], tmp_path: Path) -> None:
    work, shard = job(trained(), texts, tmp_path / "out")
    for value, kind in ((work, Work), (shard, Shard)):
        text = json.dumps(asdict(value))
        assert text.isascii() and kind(**json.loads(text)) == value


def test_answers_are_not_mixed_with_others(trained: Callable[..., Path], texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer(trained(), texts, out)
    (texts / "a.csv").unlink()
    with pytest.raises(DataError, match="something else lies there") as refusal:
        answer(trained(), texts, out)
    assert "a.csv.parquet" in str(refusal.value) and (out / "a.csv.parquet").exists()
    with pytest.raises(DataError, match="the answers would lie among the texts"):
        answer(trained(), texts, texts / "answers")
    with pytest.raises(DataError, match="this is a file"):
        answer(trained(), texts, write_csv(tmp_path / "file.csv", []))


@pytest.mark.parametrize("data", ["-", "hf:imdb", "nowhere.csv", "empty", "strange"])
def test_only_files_that_can_be_read_are_shards(data: str, trained: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_csv(tmp_path / "strange" / "notes.doc", ["text"])
    place = data if data in ("-", "hf:imdb") else str(tmp_path / data)
    with pytest.raises(DataError):
        predict_shards(str(trained()), place, Wanted(str(tmp_path / "out")), NONE, Silent())
    assert not (tmp_path / "out").exists()


def test_options_that_do_not_go_together_are_refused(trained: Callable[..., Path], tmp_path: Path) -> None:
    for wanted in (Wanted(None, workers=2), Wanted(None, cluster="a:1"), Wanted("out", out="a.csv")):
        with pytest.raises(RecipeError):
            predict_shards(str(trained()), str(tmp_path), wanted, NONE, Silent())
    with pytest.raises(ModelError, match="no model"):
        predict_shards(str(tmp_path), "new.csv", Wanted(str(tmp_path / "out")), NONE, Silent())


def test_two_commands_do_not_share_a_folder(trained: Callable[..., Path], texts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with Folder(out / module.DONE).locked(), pytest.raises(BertuneError, match="another process works in this"):
        answer(trained(), texts, out)


def test_several_workers_need_an_extra(
    trained: Callable[..., Path], texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    for wanted in (Wanted(str(tmp_path / "out"), workers=2), Wanted(str(tmp_path / "out"), cluster="127.0.0.1:1")):
        with pytest.raises(MissingExtra, match=r"pip install 'bertune\[distributed\]'"):
            predict_shards(str(trained()), str(texts), wanted, NONE, Silent())
    assert answers(tmp_path / "out") == {}
