"""Two processes that learn together: the trajectory of one, an orderly stop of both, an exact resume."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from bertune.base.processes import Processes
from bertune.runs.several import without

QUIET = ["model.dropout=0.0", "model.attention_dropout=0.0", "model.head_dropout=0.0"]
SETTINGS = ["training.epochs=2", "training.batch_size=10", "training.seeds=1", "training.precision=fp32",
            "training.threads=1", "optimizer.learning_rate=0.001", "evaluation.suspects=false",
            "evaluation.resamples=100", "evaluation.early_stopping=false"]  # fmt: skip


def command(*arguments: str, settings: tuple[str, ...] = ()) -> list[str]:
    """A command line of bertune."""
    asked = [part for setting in settings for part in ("--set", setting)]
    return [sys.executable, "-m", "bertune", *map(str, arguments), *asked]


def bertune(*arguments: str, settings: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command(*arguments, settings=settings), check=False, capture_output=True, text=True,
                          timeout=240, env=environment)  # fmt: skip


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=60), st.integers(1, 5), st.integers(0, 2**32 - 1)
)  # fmt: skip
def test_shares_are_all_rows_once_and_even_in_tokens(lengths, count, seed):
    rows = np.random.default_rng(seed).permutation(len(lengths))
    sizes = np.array(lengths)
    shares = [Processes(rank, count).share(rows, sizes) for rank in range(count)]
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(lengths)))
    tokens, counts = [int(sizes[share].sum()) for share in shares], [len(share) for share in shares]
    assert max(tokens) - min(tokens) <= 2 * max(lengths) and max(counts) - min(counts) <= 2
    for share in shares:
        places = [rows.tolist().index(row) for row in share.tolist()]
        assert places == sorted(places)


def test_the_number_of_processes_is_taken_out_of_a_command_line():
    assert without(["train", "a.csv", "--processes", "2", "--out", "x"]) == ["train", "a.csv", "--out", "x"]
    assert without(["resume", "--processes=2", "x"]) == ["resume", "x"]


def weights(run: Path) -> dict[str, torch.Tensor]:
    """What was saved, without the biases of keys, which Adam moves by rounding alone."""
    saved = load_file(run / "model" / "model.safetensors")
    return {name: tensor for name, tensor in saved.items() if "key.bias" not in name}


def furthest(one: Path, two: Path) -> float:
    """The largest difference of two runs' weights."""
    first, second = weights(one), weights(two)
    assert first.keys() == second.keys()
    return max(float((first[name] - second[name]).abs().max()) for name in first)


@pytest.mark.parametrize("more", [
    pytest.param((), id="all"),
    pytest.param(("model.train=top", "model.top_layers=1"), id="top", marks=pytest.mark.slow),
    pytest.param(("model.unfreeze_per_epoch=1",), id="unfreezing", marks=pytest.mark.slow),
])  # fmt: skip
def test_two_processes_go_where_one_goes(tiny, sentences_csv, tmp_path, more):
    """96 training rows in batches of 19: each process has an uneven share, and of the last batch only one has a row."""
    for count in (1, 2):
        done = bertune("train", sentences_csv, "--model", tiny(), "--processes", count, "--out", tmp_path / str(count),
                       settings=(*SETTINGS, *QUIET, "training.batch_size=19", *more))  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("report ") == 1, "one of them speaks"
        assert "Warning" not in done.stderr and ("in each of 2 processes" in done.stderr) == (count == 2)
    one, two = tmp_path / "1", tmp_path / "2"
    assert furthest(one, two) < 2e-4
    start, now = load_file(tiny() / "model.safetensors"), weights(one)
    learnt = [float((now[f"bert.{n}"] - start[n]).abs().max()) for n in start if f"bert.{n}" in now]
    assert max(learnt) > 2e-3
    scores = [json.loads((run / "scores.json").read_text())["valid"] for run in (one, two)]
    assert scores[0]["log_loss"]["value"] == pytest.approx(scores[1]["log_loss"]["value"], abs=1e-3)
    tables = [pq.read_table(run / "predictions" / "test.parquet") for run in (one, two)]
    assert tables[0].num_rows == tables[1].num_rows == json.loads((two / "run.json").read_text())["split"]["test"]
    losses = [[e["loss"] for e in events(run) if e["event"] == "stepped"] for run in (one, two)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-3) and len(losses[0]) == len(losses[1])


def events(run: Path) -> list[dict]:
    """The events of a run."""
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def test_a_stop_reaches_both_and_the_end_is_the_same(tiny, sentences_csv, tmp_path):
    settings = (*SETTINGS, "training.epochs=6", "evaluation.per_epoch=1")
    given = ("train", sentences_csv, "--model", tiny(), "--processes", "2")
    whole = bertune(*given, "--out", tmp_path / "whole", settings=settings)
    assert whole.returncode == 0, whole.stderr
    run = tmp_path / "stopped"
    process = subprocess.Popen(command(*given, "--out", run, settings=settings), stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True)  # fmt: skip
    history = run / "history.jsonl"
    deadline = time.monotonic() + 120
    while not (history.exists() and history.read_text().count("stepped") > 6):
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=100)[1]
    assert process.returncode == 130, said
    assert "bertune resume" in said and "Traceback" not in said
    assert json.loads((run / "run.json").read_text())["status"] == "stopped"
    stopped = sum(event["event"] == "stepped" for event in events(run))
    assert 6 < stopped < 56
    alone = bertune("resume", run)
    assert alone.returncode == 2 and "the number of processes" in alone.stderr
    again = bertune("resume", run, "--processes", "2")
    assert again.returncode == 0, again.stderr
    assert furthest(run, tmp_path / "whole") == 0.0


def test_a_users_mistake_is_told_once(tiny, tmp_path):
    done = bertune("train", tmp_path / "none.csv", "--model", tiny(), "--processes", "2", "--out", tmp_path / "run")
    assert done.returncode == 2 and done.stderr.count("none.csv") == 1 and "Traceback" not in done.stderr


@pytest.mark.parametrize("more, said", [
    pytest.param(("--task", "retrieval"), "compared with each other", marks=pytest.mark.slow),
    (("--dry-run",), "one process"),
    pytest.param(("--set", "data.unlabelled=x.csv"), "self-training", marks=pytest.mark.slow),
])  # fmt: skip
def test_what_several_cannot_do_is_refused(tiny, tmp_path, more, said):
    path = tmp_path / "pairs.csv"
    rows = [f"what is {i},thing {i}" for i in range(40)]
    path.write_text("\n".join(["query,passage", *rows]), encoding="utf-8")
    (tmp_path / "x.csv").write_text("query\na\n", encoding="utf-8")
    done = bertune("train", path, "--model", tiny(), "--processes", "2", "--out", tmp_path / "run", *more)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
