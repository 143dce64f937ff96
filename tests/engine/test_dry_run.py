"""The bill of a run: its sums are right, its estimates are near, nothing is left behind."""

import io
import json
import time

import numpy as np
import pytest
import workbench
from hypothesis import given
from hypothesis import strategies as st

from bertune.runs import build, probe
from bertune.runs.dry_run import dry_run, told_bytes, told_seconds
from bertune.runs.telling import Json, Silent
from bertune.runs.train import train

POSITIVE = st.floats(1e-6, 1e-2)


@given(POSITIVE, POSITIVE, POSITIVE)
def test_a_cost_is_found_again(each, token, pair):
    shapes = np.array([probe.features(8, 5), probe.features(8, 30), probe.features(8, 100)])
    cost = probe.fitted(shapes, shapes @ np.array([each, token, pair]))
    other = np.array([probe.features(8, 60), probe.features(3, 30)])
    assert cost.seconds(other[:1]) == pytest.approx(float(other[0] @ np.array([each, token, pair])), rel=1e-3)


@given(st.lists(st.floats(1e-4, 1.0), min_size=3, max_size=3))
def test_no_cost_is_negative(seconds):
    shapes = np.array([probe.features(8, 5), probe.features(8, 30), probe.features(8, 100)])
    cost = probe.fitted(shapes, np.array(seconds))
    assert min(cost.each, cost.token, cost.pair) >= 0


def test_the_search_for_wrong_labels_reads_the_rows_it_judges_and_no_others(tiny, sentences_csv, monkeypatch):
    """Not the changed copies, and of very many rows a part."""
    seconds = {}
    monkeypatch.setattr("bertune.runs.probe.time_answers", lambda *given: probe.Cost(0.0, 1.0, 0.0))
    monkeypatch.setattr("bertune.runs.dry_run.out_of_sample", lambda *given: None)
    for most, augment in ((20_000, "none"), (20_000, "random_edits"), (48, "none")):
        monkeypatch.setattr("bertune.runs.dry_run.MOST_ROWS", most)
        recipe = workbench.recipe_of(tiny(), sentences_csv, {"data.augment.name": augment, "model.max_length": 8})
        seconds[most, augment] = dry_run(recipe, Silent()).seconds_of["suspects"]
    assert seconds[20_000, "random_edits"] == pytest.approx(seconds[20_000, "none"], rel=0.1)
    assert seconds[48, "none"] == pytest.approx(seconds[20_000, "none"] * 48 / 96, rel=0.01)


def test_nothing_is_written_and_no_weight_of_a_run_changes(tiny, sentences_csv, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    recipe = workbench.recipe_of(tiny(), sentences_csv, {"training.epochs": 1})
    dry_run(recipe, Silent())
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def test_steps_checks_and_disk_are_those_of_the_run(tiny, sentences_csv, tmp_path):
    settings = {"training.epochs": 3, "evaluation.early_stopping": False, "training.keep_checkpoints": True}
    recipe = workbench.recipe_of(tiny(), sentences_csv, settings)
    bill = dry_run(recipe, Silent())
    began = time.perf_counter()
    folder = train(recipe, tmp_path / "run")
    seconds = time.perf_counter() - began
    events = [json.loads(line)["event"] for line in folder.history.read_text(encoding="utf-8").splitlines()]
    assert bill.steps == events.count("stepped") and bill.checks == events.count("evaluated")
    left = sum(f.stat().st_size for f in folder.model.glob("*.safetensors"))
    assert bill.disk_left_bytes == pytest.approx(left, rel=0.2)
    most = sum(f.stat().st_size for f in folder.path.rglob("*.safetensors"))
    assert most < bill.disk_bytes * 1.3
    assert sum(bill.seconds_of.values()) == pytest.approx(bill.seconds)
    assert seconds / 20 < bill.seconds < seconds * 20, "the right order of size, on a machine of any load"


def test_a_head_on_a_frozen_encoder_is_billed_as_it_runs(tiny, sentences_csv):
    whole = dry_run(workbench.recipe_of(tiny(), sentences_csv), Silent())
    head = dry_run(workbench.recipe_of(tiny(), sentences_csv, {"model.train": "head"}), Silent())
    assert "encode" in head.seconds_of and "encode" not in whole.seconds_of
    assert head.seconds_of["train"] < whole.seconds_of["train"]
    assert head.disk_bytes < whole.disk_bytes


def test_what_is_told(tiny, sentences_csv):
    stream, silent = io.StringIO(), Silent()
    recipe = workbench.recipe_of(tiny(), sentences_csv, {"evaluation.suspects": False, "evaluation.baselines": False})
    dry_run(recipe, silent)
    dry_run(recipe, Json(stream))
    bill = next(x for x in map(json.loads, stream.getvalue().splitlines()) if x["topic"] == "bill")
    assert {"steps", "seconds", "seconds_of", "memory_bytes", "disk_bytes"} <= bill.keys()
    assert bill["memory_bytes"] > 50 * 2**20
    line = dict(silent.heard)["bill"]
    assert "steps · about " in line and " memory · " in line and " disk" in line


def test_the_probe_weighs_what_it_runs(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv)
    batches = list(made.feed.batches(0))
    tokens = np.array([probe.of_update(made.feed, rows)[1] for rows in batches])
    assert tokens.tolist() == [len(r) * made.feed.store.lengths[r].max() for r in batches]
    light, middling, heavy = (len(r) * made.feed.store.lengths[r].max() for r in probe.three(batches, tokens))
    assert light <= middling <= heavy == tokens.max()
    split = workbench.bench(tiny(), sentences_csv, {"training.micro_batch_size": 4})
    assert probe.of_update(split.feed, split.feed.batches(0)[0])[0] == 2


def test_memory_is_seen_while_it_is_held():
    with probe.Memory() as memory:
        held = np.ones(64 * 2**20, dtype=np.uint8)
        time.sleep(0.03)
        del held
    with probe.Memory() as less:
        time.sleep(0.01)
    assert memory.peak - less.peak > 40 * 2**20


def test_some_rows_of_a_store(tiny, sentences_csv):
    store = workbench.bench(tiny(), sentences_csv).stores.train
    few = store.take(np.array([5, 2, 9]))
    one, two = few.batch(np.arange(3)), store.batch(np.array([5, 2, 9]))
    assert one.ids.tolist() == two.ids.tolist() and one.targets.tolist() == two.targets.tolist()
    assert isinstance(build.Stores(few, None, None).train, type(store))


@pytest.mark.parametrize(
    "seconds, told", [(0.2, "1 s"), (59.4, "59 s"), (70, "1 min 10 s"), (7500, "2 h 05 min"), (3599.6, "1 h 00 min")]
)
def test_times_for_people(seconds, told):
    assert told_seconds(seconds) == told


@pytest.mark.parametrize("size, told", [(1, "1 MB"), (90 * 2**20, "90 MB"), (1.3 * 2**30, "1.3 GB")])
def test_sizes_for_people(size, told):
    assert told_bytes(int(size)) == told
