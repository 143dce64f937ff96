"""Re-ranking: what the candidates of a row are, what is judged, and a run from rows to files."""

import json

import numpy as np
import pytest
import task_contract as contract
import torch
from test_retrieval import rows_of_topics
from test_task_contract import save, sharpen
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import bertune
from bertune.base import registry
from bertune.base.types import Answers, Examples, Tuned
from bertune.evaluate import saved
from bertune.evaluate.baselines.bm25_of_candidates import Bm25OfCandidates
from bertune.runs.predict import predict_rows
from bertune.tasks._candidates import candidates_of


def task():
    return registry.load("tasks", "reranking")()


def test_candidates_are_put_in_order():
    examples = Examples(["q", "q"], ["right", "b"], ["right", "b"], {"negatives": [("x", "right", "y", "x"), ()]})
    assert candidates_of(examples) == [("right", "x", "y"), ("b",)]
    answers = Answers(np.array([[1.0], [3.0], [1.0], [0.5]]), np.array([0, 3, 4]))
    found = task().decode(examples, None, answers, (), Tuned())
    assert list(found.guess) == [("x", "y", "right"), ("b",)], "a right text has no luck among equals"
    judged = task().judged(examples, found, ())
    assert list(judged.gold) == [frozenset({"right"}), frozenset({"b"})]
    assert task().relevance(found, ()).tolist() == [1.0, 0.5]
    assert task().answer(found, 1, ()) == {"prediction": 0.5, "found": []}


def test_what_is_judged_has_candidates_of_its_own_rows():
    pairs = [(f"a {i}", f"a b{i}") for i in range(30)]
    examples = Examples([q for q, _ in pairs], [p for _, p in pairs], [p for _, p in pairs])
    kind = registry.load("tasks", "reranking")
    for learning, most in ((True, 3), (False, 7)):
        rows = candidates_of(kind(hard_negatives=3, candidates=7).completed(examples, learning))
        assert [len(row) for row in rows] == [1 + most] * 30
        assert all(row[0] == pair for row, (_, pair) in zip(rows, pairs, strict=True))


def test_the_baseline_puts_the_same_candidates_in_order():
    examples = Examples(["red car", "blue"], ["a car", "sky"], None, {"negatives": [("a red car", "a tree"), ("sea",)]})
    found = list(Bm25OfCandidates().guesses(examples).guess)
    assert found == [("a red car", "a car", "a tree"), ("sea", "sky")]


def test_a_saved_folder_is_a_cross_encoder(tiny, tmp_path):
    """As sentence-transformers reads one: a network with one output over both texts."""
    made = contract.make("reranking", tiny(), tmp_path)
    sharpen(made)
    save(made, tmp_path / "model")
    texts, pairs = list(made.examples.texts), list(made.examples.pairs)
    found = predict_rows(saved.load(tmp_path / "model"), texts, pairs)
    network = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    assert network.config.num_labels == 1
    given = AutoTokenizer.from_pretrained(tmp_path / "model")(
        texts, pairs, padding=True, truncation=True, max_length=contract.LENGTH, return_tensors="pt"
    )
    with torch.no_grad():
        expected = network(**given).logits[:, 0].tolist()
    assert [found.answer(row)["prediction"] for row in range(len(texts))] == pytest.approx(expected, abs=1e-5)


def test_reranking_from_rows_to_files(tiny, tmp_path):
    run = bertune.train(
        rows_of_topics(80), task="reranking", model=tiny(), out=tmp_path / "run", quiet=True,
        settings={"training.epochs": 1, "training.precision": "fp32", "training.seeds": 1, "task.hard_negatives": 2,
                  "task.candidates": 12},
    )  # fmt: skip
    assert run.status == "done"
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))
    assert set(scores["baselines"]) == {"bm25_of_candidates"} and "places" in scores
    assert 0 < scores["test"]["recall_at_10"]["value"] <= 1
    assert scores["test"]["recall_at_1"]["value"] < 1, "there is something to choose from"
    again = run.evaluate(rows_of_topics(30))
    assert 0 < again["mean_reciprocal_rank"].value < 1
    first, second = run.predict([("lovely film", "a film"), ("lovely film", "a meal")])
    assert isinstance(first.label, float) and first.label != second.label
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "BM25 over the candidates" in page and "AutoModelForSequenceClassification" in page
