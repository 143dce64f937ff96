"""Which rows to label next: in doubt, unlike each other, and told with their places."""

import csv
import json

import numpy as np
import pytest
from api_data import single_rows

from bertune.cli.main import run
from bertune.evaluate.next_rows import next_rows


def command_line(arguments):
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    return ended.value.code


def test_the_most_doubtful_comes_first_and_twins_wait():
    states = np.array([[1.0, 0.0], [1.0, 0.001], [0.0, 1.0], [-1.0, 0.0]])
    assert next_rows(np.array([0.9, 0.89, 0.5, 0.1]), states, 2).tolist() == [0, 2]
    assert next_rows(np.array([0.9, 0.89, 0.5, 0.1]), states, 9).tolist()[:2] == [0, 2]
    assert sorted(next_rows(np.array([0.9, 0.89, 0.5, 0.1]), states, 9).tolist()) == [0, 1, 2, 3]
    assert next_rows(np.zeros(0), np.zeros((0, 2)), 3).tolist() == []


def test_rows_without_any_doubt_are_spread_out():
    random = np.random.default_rng(0)
    states = np.repeat(np.eye(4), 5, axis=0) + random.normal(0, 1e-3, (20, 4))
    assert {i // 5 for i in next_rows(np.zeros(20), states, 4).tolist()} == {0, 1, 2, 3}


@pytest.fixture
def pool(tmp_path):
    file = tmp_path / "pool.csv"
    texts = [*single_rows(30, seed=5)["text"], "", single_rows(1, seed=5)["text"][0]]
    with open(file, "w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows([["id", "text"], *([i, text] for i, text in enumerate(texts))])
    return file


def test_rows_are_told_with_their_places(trained, pool, capsys):
    assert command_line(["suggest", str(trained()), str(pool), "--count", "5", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len({line["row"] for line in lines}) == 5
    assert all(0 <= line["doubt"] <= 1 and line["prediction"] in ("bad", "good") for line in lines)
    assert not {1, 32} <= {line["row"] for line in lines}, "the same text twice"
    assert command_line(["suggest", str(trained()), str(pool), "--count", "5"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 5 and max(map(len, shown)) <= 80
    assert [int(line.split()[0]) for line in shown] == [line["row"] for line in lines]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_to_label_keeps_the_columns(trained, pool, tmp_path, suffix):
    import pyarrow.parquet as pq

    out = tmp_path / f"next{suffix}"
    assert command_line(["suggest", str(trained()), str(pool), "--count", "40", "--out", str(out)]) == 0
    if suffix == ".csv":
        with open(out, newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    else:
        rows = pq.read_table(out).to_pylist()
    assert list(rows[0]) == ["id", "text", "suggested_answer", "doubt"]
    assert len(rows) == 31, "all but the row without a text"


def test_what_cannot_be_meant_is_refused(trained, pool, capsys):
    assert command_line(["suggest", str(trained()), str(pool), "--out", "x.docx"]) == 2
    assert command_line(["suggest", str(trained()), str(pool), "--count", "0"]) == 2
    assert command_line(["suggest", "nowhere", str(pool)]) == 2
