"""How rows are learnt is noted as it was, once for each update, and points at planted wrong labels."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import workbench

import tiny_models
from bertune.engine.confidence import Confidence
from bertune.evaluate.suspects import suspects
from bertune.runs.train import train

CPU = torch.device("cpu")


def noting(made) -> Confidence:
    """The confidence of a workbench's learner, switched on."""
    made.learner.confidence = Confidence(len(made.stores.train), CPU)
    return made.learner.confidence


def test_it_is_the_probability_of_the_class_before_the_update(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, workbench.STILL)
    noted, rows = noting(made), made.feed.begin(0)[0]
    batch = made.feed.store.batch(rows)
    with torch.no_grad():
        logits, targets = made.model(batch).logits.double().numpy(), batch.targets.numpy()
    made.learner.update(made.feed.portions(rows), 0)
    chance = np.exp(logits - logits.max(1, keepdims=True))
    expected = (chance / chance.sum(1, keepdims=True))[np.arange(len(rows)), targets]
    found = noted.mean()
    assert found[rows] == pytest.approx(expected, abs=1e-5)
    assert np.isnan(np.delete(found, rows)).all(), "what was not learnt is not known"


@pytest.mark.parametrize("step", ["plain", "r_drop"])
def test_each_row_counts_as_often_as_it_is_learnt(tiny, sentences_csv, step):
    made = workbench.bench(tiny(), sentences_csv, {"training.micro_batch_size": 3, "training.step.name": step})
    noted = noting(made)
    made.train(2 * made.feed.steps_per_epoch)
    passes = 2 if step == "r_drop" else 1
    assert noted.counts.tolist() == [2.0 * passes] * len(made.stores.train)


def test_an_update_that_is_broken_off_is_not_counted(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {"training.micro_batch_size": 3})
    noted, rows = noting(made), made.feed.begin(0)[0]
    polls = iter([None, KeyboardInterrupt])

    def poll():
        if (error := next(polls)) is not None:
            raise error

    with pytest.raises(KeyboardInterrupt):
        made.learner.update(made.feed.portions(rows), 0, poll)
    assert not noted.counts.any()
    made.learner.update(made.feed.portions(rows), 0)
    assert noted.counts.sum() == len(rows)


def test_it_changes_nothing_that_is_learnt(tiny, sentences_csv):
    found = []
    for on in (False, True):
        made = workbench.bench(tiny(), sentences_csv)
        if on:
            noting(made)
        made.train(4)
        found.append(made.weights())
    assert workbench.same_bytes(*found)


def test_rows_learnt_late_are_suspects_beside_those_of_the_joint_the_least_sure_first():
    random = np.random.default_rng(0)
    given = np.arange(60) % 3
    chance = np.full((60, 3), 0.1)
    chance[np.arange(60), given] = 0.8
    confidence = random.uniform(0.8, 0.9, 60)
    confidence[[5, 17]] = 0.1, 0.2
    confidence[30] = np.nan
    found = suspects(chance, given, confidence)
    assert [s.row for s in found] == [5, 17]
    assert [s.score for s in found] == pytest.approx([0.45, 0.5])
    assert all(s.suggested != s.given for s in found)
    assert suspects(chance, given) == suspects(chance, given, np.full(60, np.nan)) == []


def test_a_run_lists_planted_wrong_labels_by_how_they_were_learnt(tiny, tmp_path: Path):
    data = tiny_models.csv_file(tmp_path / "rows.csv", 160)
    header, *lines = data.read_text(encoding="utf-8").splitlines()
    names = sorted({line.rsplit(",", 1)[1] for line in lines})
    turned = set(range(3, 160, 20))
    for i in turned:
        text, label = lines[i].rsplit(",", 1)
        lines[i] = f"{text},{names[(names.index(label) + 1) % len(names)]}"
    data.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    settings = {"evaluation.suspects": True, "training.epochs": 12, "data.split.test_share": 0.0,
                "data.split.valid_share": 0.0}  # fmt: skip
    run = train(workbench.recipe_of(tiny(), data, settings), tmp_path / "run").path
    found = json.loads((run / "suspects.json").read_text(encoding="utf-8"))
    first = [entry["row"] - 1 for entry in found[: len(turned)]]
    assert len(turned & set(first)) >= max(0.75 * len(first), 0.5 * len(turned)), (first, turned)


def test_what_was_learnt_more_easily_than_its_class_is_no_suspect_whoever_doubts_it():
    random = np.random.default_rng(1)
    given = np.arange(80) % 2
    chance = np.where(given[:, None] == np.arange(2), 0.9, 0.1)
    doubted = np.array([4, 9, 20, 33])
    chance[doubted] = 1 - chance[doubted]
    confidence = random.uniform(0.75, 0.85, 80)
    confidence[[4, 9]] = 0.95
    confidence[[20, 33]] = 0.6
    assert {s.row for s in suspects(chance, given)} == set(doubted.tolist())
    assert {s.row for s in suspects(chance, given, confidence)} == {20, 33}


def test_the_only_row_of_a_misspelt_class_can_be_a_suspect():
    given = np.array([0] * 30 + [1])
    chance = np.tile([0.9, 0.1], (31, 1))
    with_confidence = suspects(chance, given, np.full(31, 0.8))
    assert [s.row for s in with_confidence] == [s.row for s in suspects(chance, given)] == [30]
