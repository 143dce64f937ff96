"""Runs beside each other: the same rows, honest differences, and nothing compared that one of them has learned."""

import json
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bertune.base.errors import BertuneError, DataError, ResumeError
from bertune.cli.main import run as command_line
from bertune.runs.compare import compare
from bertune.runs.folder import Folder
from bertune.runs.seen import write_seen

LABELS = ("no", "yes")


def made(path, right, *, labels=LABELS, texts=None, gold=None, split="test", status="done"):
    """The folder of a run whose answers are right in the rows where `right` is True."""
    path.mkdir(parents=True)
    rows = len(right)
    gold = [LABELS[i % 2] for i in range(rows)] if gold is None else gold
    guess = [g if r else LABELS[1 - LABELS.index(g)] for g, r in zip(gold, right, strict=True)]
    chances = [[0.9 if name == one else 0.1 for name in labels] for one in guess]
    (path / "run.json").write_text(
        json.dumps({"status": status, "task": "text_classification", "labels": labels, "metric": "accuracy"})
    )
    (path / "predictions").mkdir()
    columns = {"text": texts or [f"text {i}" for i in range(rows)], "label": gold, "prediction": guess,
               "probabilities": chances}  # fmt: skip
    pq.write_table(pa.table(columns), path / "predictions" / f"{split}.parquet")
    return path


def shares(rows, right, seed):
    return np.random.default_rng(seed).random(rows) < right


def nearly(rows, lead):
    """Two runs right in 4 of 5 rows, in different ones; the second is right in `lead` rows more."""
    at = np.arange(rows)
    return at % 5 != 0, (at % 5 != 1) | (at < 5 * lead)


def test_a_better_run_is_called_better_and_the_other_way_round_worse(tmp_path):
    a, b = made(tmp_path / "a", shares(2000, 0.8, 0)), made(tmp_path / "b", shares(2000, 0.9, 1))
    ahead, behind = compare([a, b]).comparisons[1], compare([b, a]).comparisons[1]
    assert ahead.verdict == "better" and behind.verdict == "worse"
    assert ahead.difference.value == pytest.approx(-behind.difference.value)
    assert ahead.score.value == pytest.approx(compare([b, a]).comparisons[0].score.value)
    assert ahead.more_rows is None


def test_less_is_better_where_the_metric_says_so(tmp_path):
    a, b = made(tmp_path / "a", shares(2000, 0.8, 0)), made(tmp_path / "b", shares(2000, 0.9, 1))
    found = compare([a, b], metric="log_loss").comparisons[1]
    assert found.verdict == "better" and found.difference.value < 0


def test_how_many_more_rows_would_tell(tmp_path):
    """The interval shrinks with the root of the rows; to be told 4 times of 5 it must be well below the difference."""
    a, b = nearly(400, 8)
    found = compare([made(tmp_path / "a", a), made(tmp_path / "b", b)]).comparisons[1]
    assert found.verdict == "cannot tell"
    factor = 1 + found.more_rows / 400
    far = found.difference.value - found.difference.low
    assert 1.43 * far / math.sqrt(factor) == pytest.approx(found.difference.value, rel=0.05)
    many = int(np.ceil(factor))
    again = compare([made(tmp_path / "c", np.tile(a, many)), made(tmp_path / "d", np.tile(b, many))])
    assert again.comparisons[1].verdict != "cannot tell"


def test_the_same_answers_cannot_be_told_apart(tmp_path):
    right = shares(300, 0.8, 0)
    found = compare([made(tmp_path / "a", right), made(tmp_path / "b", right)]).comparisons[1]
    assert found.difference.value == 0 and found.verdict == "cannot tell" and found.more_rows is None


def test_rows_are_matched_by_what_they_are_not_by_where_they_stand(tmp_path):
    right, order = shares(500, 0.7, 0), np.random.default_rng(1).permutation(500)
    texts, gold = [f"text {i // 2}" for i in range(500)], ["yes"] * 500  # each text twice
    one = made(tmp_path / "a", right, texts=texts, gold=gold)
    other = made(tmp_path / "b", right[order], texts=[texts[i] for i in order], gold=gold)
    found = compare([one, other])
    assert found.rows == 500 and found.comparisons[1].difference.value == 0


def test_classes_in_another_order_and_one_that_the_other_lacks(tmp_path):
    right = shares(200, 0.8, 0)
    one = made(tmp_path / "a", right)
    found = compare([one, made(tmp_path / "b", right, labels=("yes", "other", "no"))], metric="log_loss")
    assert abs(found.comparisons[1].difference.value) < 0.01


def test_only_rows_that_all_were_tested_on_and_none_has_learned_from(tmp_path):
    right = shares(100, 0.8, 0)
    one = made(tmp_path / "a", right)
    other = made(tmp_path / "b", right[:80])
    write_seen(Folder(other).seen, [f"Text  {i}" for i in range(10)], None)
    found = compare([one, other])
    assert (found.rows, found.not_in_all, found.seen) == (70, 20, 10)


def test_what_cannot_be_compared_is_refused(tmp_path):
    right = shares(50, 0.8, 0)
    one = made(tmp_path / "a", right)
    with pytest.raises(BertuneError, match="nothing to compare"):
        compare([one])
    with pytest.raises(DataError, match="no test row in common"):
        compare([one, made(tmp_path / "b", right, texts=[f"other {i}" for i in range(50)])])
    with pytest.raises(ResumeError, match="no answers to test rows"):
        compare([one, made(tmp_path / "c", right, split="valid")])
    with pytest.raises(ResumeError, match="no run lies here"):
        compare([one, tmp_path / "none"])
    with pytest.raises(BertuneError, match="acuracy"):
        compare([one, one], metric="acuracy")
    write_seen(Folder(one).seen, [f"text {i}" for i in range(50)], None)
    with pytest.raises(DataError, match="stood in the training rows"):
        compare([one, made(tmp_path / "d", right)])


def test_the_command(tmp_path, capsys):
    a, b = nearly(300, 5)
    one, other = made(tmp_path / "a", a), made(tmp_path / "b", b[:280])
    with pytest.raises(SystemExit) as end:
        command_line(["compare", str(one), str(other)])
    out, err = capsys.readouterr()
    assert end.value.code == 0
    assert "accuracy on 280 test rows that all runs answered" in out and "would tell" in out
    assert "20 rows left out: not every run was tested on them" in err
    assert max(map(len, out.splitlines())) <= 80 and f"{tmp_path}"[-8:] + "/b" in out
    with pytest.raises(SystemExit) as end:
        command_line(["compare", str(one), str(other), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert end.value.code == 0 and found["rows"] == 280 and found["runs"][1]["verdict"] == "cannot tell"


def test_two_runs_that_differ_by_nothing_are_seldom_called_different(tmp_path):
    """Both answer each row by the same chance: at most 5 of 100 pairs, with the slack of so few trials."""
    called = 0
    for seed in range(100):
        a, b = (made(tmp_path / f"{n}{seed}", shares(300, 0.85, 2 * seed + i)) for i, n in enumerate("ab"))
        called += compare([a, b]).comparisons[1].verdict != "cannot tell"
    assert called <= 10  # more than 10 of 100 at 5 % has a chance of 1 %
