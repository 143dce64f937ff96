"""The Python interface: training from anything, predictions, scores, and what a run tells."""

import dataclasses
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sklearn.metrics as sm
from api_data import FAST, pair_rows, single_rows

import bertune
from bertune import BertuneError, Prediction, Run

ROWS = single_rows(60, seed=3)
PAIRS = list(zip(ROWS["text"], ROWS["label"], strict=True))


@pytest.fixture
def run(trained: Callable[..., Path]) -> Run:
    return bertune.load(trained("bert"))


def test_a_frame_is_written_down_and_the_run_can_be_repeated(tiny, tmp_path: Path) -> None:
    parts = {name: pd.DataFrame(single_rows(n, seed=n)) for name, n in (("data", 80), ("valid", 40), ("test", 30))}
    run = bertune.train(**parts, model=tiny(), out=tmp_path / "run", seed=4, settings=FAST, quiet=True)
    assert sorted(p.name for p in (run.path / "data").iterdir()) == ["test.parquet", "train.parquet", "valid.parquet"]
    assert run.report.is_file() and run.status == "done" and run.labels == ("bad", "good")
    assert run.scores["test"]["accuracy"]["n"] == 30 and run.scores["valid"]["accuracy"]["n"] == 40
    assert run.scores["calibration"]["temperature"] != 1.0  # so that folding it in is tested
    kept = pq.read_table(run.path / "predictions" / "test.parquet").to_pylist()
    for row, mine in zip(kept, run.predict([row["text"] for row in kept]), strict=True):
        assert mine.label == row["prediction"]
        assert list(mine.probabilities.values()) == pytest.approx(row["probabilities"], abs=1e-5)
    assert run.history()[0]["event"] == "started" and run.history()[-1]["event"] == "stopped"
    for part in (str(run.path), "macro_f1", "done"):
        assert part in repr(run)
    assert len(repr(run)) < 300
    again = bertune.train(recipe=run.path / "recipe.toml", out=tmp_path / "again", quiet=True)
    assert (again.model_path / "model.safetensors").read_bytes() == (run.model_path / "model.safetensors").read_bytes()
    assert bertune.resume(run.path, quiet=True).scores == run.scores  # a run that is done is left as it is


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: rows,
        lambda rows: list(zip(rows["text"], rows["label"], strict=True)),
        lambda rows: [{"text": t, "label": y} for t, y in zip(rows["text"], rows["label"], strict=True)],
        pd.DataFrame, pl.DataFrame, pa.table,
    ],
    ids=["dict of lists", "list of pairs", "list of dicts", "pandas", "polars", "arrow"],
)  # fmt: skip
def test_evaluate_takes_rows_of_any_kind(make: Callable[[Any], Any], run: Run) -> None:
    found = run.evaluate(make(ROWS))
    guess = [p.label for p in run.predict(ROWS["text"])]
    assert found["accuracy"].value == pytest.approx(sm.accuracy_score(ROWS["label"], guess))
    assert found["macro_f1"].value == pytest.approx(sm.f1_score(ROWS["label"], guess, average="macro"))
    assert found["accuracy"].low <= found["accuracy"].value <= found["accuracy"].high and found["accuracy"].n == 60


@pytest.mark.parametrize("make", [list, tuple, np.array, pd.Series, pl.Series, pa.array, iter])
def test_predict_takes_texts_of_any_kind(make: Callable[[Any], Any], run: Run) -> None:
    texts = ROWS["text"][:3]
    assert run.predict(make(texts)) == run.predict(texts)


@pytest.mark.parametrize(
    "make",
    [dict, pd.DataFrame, pl.DataFrame, pa.table, lambda rows: pd.DataFrame(rows).to_dict("records")],
    ids=["dict of lists", "pandas", "polars", "arrow", "list of dicts"],
)
def test_predict_takes_rows_with_columns_of_any_kind(make: Callable[[Any], Any], run: Run) -> None:
    rows = {"id": [1, 2, 3], "text": [*ROWS["text"][:2], ""]}
    assert run.predict(make(rows)) == run.predict(rows["text"])


def test_predict_takes_pairs_and_choices_by_their_columns(trained: Callable[..., Path], tiny, tmp_path: Path) -> None:
    rows = pair_rows(4)
    two = bertune.load(trained("bert", pairs=True))
    assert two.predict({**rows, "more": [1] * 4}) == two.predict(rows["sentence1"], rows["sentence2"])
    asked = [
        {"question": f"What is {n}?", "choices": ["good film", "bad film", "a meal"][: 2 + n % 2]} for n in range(6)
    ]
    known = [{**row, "label": 0} for row in asked] * 10
    chosen = bertune.train(known, task="multiple_choice", model=tiny(), out=tmp_path / "run", settings=FAST, quiet=True)
    found = chosen.predict(asked)
    assert [len(answer.probabilities) for answer in found] == [2, 3] * 3
    assert [answer.label for answer in found] == [answer.label for answer in chosen.predict(known)][:6]


def test_answers_keep_their_rows(run: Run) -> None:
    """Whatever stands beside a text, in whatever order, its answer is the same to 1e-5."""
    texts = [" ".join(ROWS["text"][:n]) for n in (1, 30, 2, 9, 1, 17)] + ["a", "lovely"] + ROWS["text"][:20]
    whole = run.predict(texts)
    alone = [run.predict([text])[0] for text in texts]
    order = list(range(len(texts)))
    random.Random(0).shuffle(order)
    shuffled = run.predict([texts[i] for i in order])
    assert len({round(p.probability, 6) for p in whole}) > 5  # else order could not be told
    for i, one in enumerate(alone):
        assert whole[i].probabilities == pytest.approx(one.probabilities, abs=1e-5)
        assert shuffled[order.index(i)].probabilities == pytest.approx(one.probabilities, abs=1e-5)


def test_odd_texts_are_answered_or_refused_by_name(run: Run) -> None:
    refused = {"": "no text", " \n\t": "no text", "half \ud800": "half of a surrogate pair, which is no character"}
    answered = ["a", "😀👩‍👩‍👧", "مرحبا بالعالم", "x" * 100_000, "这家店很好", "\x00\x1b[31m", "&<script>"]
    for text, problem in refused.items():
        assert run.predict([text]) == [Prediction(None, None, {}, problem)]
    for missing in (None, float("nan"), pd.NA):
        assert run.predict([missing, "good"])[0].problem == "no text"
    found = run.predict(answered)
    assert all(p.label in run.labels and p.problem is None for p in found)
    assert json.loads(json.dumps([dataclasses.asdict(p) for p in found]))[0]["label"] == found[0].label
    assert run.predict([]) == []


@pytest.mark.parametrize("texts", ["one text", b"bytes", 3, [3], ["a", ["b"]], {"text": "a"}])
def test_what_is_no_list_of_texts_is_refused(texts: Any, run: Run) -> None:
    with pytest.raises(BertuneError, match="expected"):
        run.predict(texts)


def test_pairs_are_asked_for_and_only_where_they_fit(run: Run, trained: Callable[..., Path]) -> None:
    rows = pair_rows(4)
    two = bertune.load(trained("bert", pairs=True))
    together = list(zip(rows["sentence1"], rows["sentence2"], strict=True))
    assert two.predict(together) == two.predict(rows["sentence1"], rows["sentence2"])
    assert two.predict([("a", None)])[0].problem == "no second text"
    for wrong in (
        lambda: two.predict(["a"]),
        lambda: two.predict(["a"], ["b", "c"]),
        lambda: run.predict(["a"], ["b"]),
    ):
        with pytest.raises(BertuneError):
            wrong()
    assert two.evaluate(rows)["accuracy"].n == 4


def test_the_second_text_matters(trained: Callable[..., Path]) -> None:
    two = bertune.load(trained("bert", pairs=True))
    one, other = two.predict([("a film", "awful dull"), ("a film", "lovely great")])
    assert one.probabilities != pytest.approx(other.probabilities, abs=1e-4)


def test_check_finds_the_same_in_memory_as_in_a_file(tiny, tmp_path: Path) -> None:
    rows = [*PAIRS[:30], ("", "good"), PAIRS[0]]
    frame = pd.DataFrame(rows, columns=["text", "label"])
    frame.to_csv(tmp_path / "rows.csv", index=False)
    found = bertune.check(rows, model=tiny())
    assert {"missing_text", "exact_duplicates"} & {f.code for f in found}
    assert [f.code for f in bertune.check(tmp_path / "rows.csv", model=tiny())] == [f.code for f in found]
    split = bertune.check(frame, valid=tmp_path / "rows.csv", model=tiny())
    assert "exact_duplicate_across_splits" in {f.code for f in split}


def test_wrong_calls_are_refused_before_anything_is_written(tiny, tmp_path: Path) -> None:
    out = tmp_path / "run"
    for call in (
        lambda: bertune.train(PAIRS, model=tiny(), out=out, settings={"training.epochs": -1}, quiet=True),
        lambda: bertune.train([], model=tiny(), out=out, quiet=True),
        lambda: bertune.train(3, model=tiny(), out=out, quiet=True),
        lambda: bertune.train(tmp_path / "none.csv", model=tiny(), out=out, quiet=True),
        lambda: bertune.load(tmp_path),
    ):
        with pytest.raises(BertuneError):
            call()
        assert not (out / "data").exists() and not (out / "run.json").exists()
    out.mkdir(exist_ok=True)
    (out / "mine.txt").write_text("keep")
    with pytest.raises(BertuneError, match="holds something"):
        bertune.train(PAIRS, model=tiny(), out=out, quiet=True)


def test_a_run_without_a_model_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"status": "stopped"}')
    run = bertune.load(tmp_path)
    assert run.scores == {} and run.findings == [] and run.history() == []
    with pytest.raises(BertuneError, match="resume"):
        run.predict(["a"])


def test_a_notebook_shows_scores_with_everything_escaped(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"status": "done", "labels": ["<b>bad</b>", "good"]}))
    score = {"value": 0.9, "low": 0.8, "high": 1.0, "n": 50}
    (tmp_path / "scores.json").write_text(json.dumps({"judged_on": "test", "test": {"macro_f1": score}}))
    page = bertune.load(tmp_path)._repr_html_()
    assert "0.900 [0.800, 1.000] on 50 test rows" in page and "&lt;b&gt;bad" in page and "<b>bad" not in page


def test_a_signal_ends_as_python_programs_expect(tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    from bertune import api
    from bertune.engine.interrupt import Interrupted

    for number, kind in ((signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)):

        def stopped(*_: Any, number: int = number, **__: Any) -> None:
            raise Interrupted(number)

        monkeypatch.setattr(api, "start", stopped)
        with pytest.raises(kind):
            bertune.train(PAIRS, model=tiny(), out=tmp_path / str(number), quiet=True)


def test_scores_by_the_values_of_a_column(run: Run) -> None:
    found = run.evaluate({**ROWS, "channel": ["mail", "chat"] * 30}, slices=["channel"])
    assert list(found.slices["channel"]) and all(s.score.n == 30 for s in found.slices["channel"].values())
    seen = int(found.seen or 0)
    assert (found.without_seen is not None) == (0 < seen < 60)
    assert run.evaluate(ROWS).slices == {}
    with pytest.raises(BertuneError, match="nowhere"):
        run.evaluate(ROWS, slices=["nowhere"])
