"""Retrieval: which texts count as wrong, what is found, BM25, and a run from rows to files."""

import json
import math

import numpy as np
import pyarrow as pa
import pytest
import task_contract as contract
import torch
import torch.nn.functional as F
from scipy.sparse import csr_array
from test_task_contract import save
from test_vectors import TOPICS, as_sentence_transformers, command

import bertune
import tiny_models
from bertune.base import registry
from bertune.base.types import Answers, Examples, Judged, Table, Tuned
from bertune.data.bm25 import weights
from bertune.data.store import in_memory
from bertune.data.tokenizer import TextTokenizer
from bertune.evaluate import saved
from bertune.evaluate.baselines.bm25 import Bm25
from bertune.evaluate.details.of_ranking import OfRanking
from bertune.model.encoder import load
from bertune.runs.examples import task_and_roles
from bertune.runs.predict import predict_rows
from bertune.tasks._rankings import ranked


def task():
    return registry.load("tasks", "retrieval")()


def batch_of(examples, folder):
    tokenizer = TextTokenizer(folder)
    model = load(folder, "sentence_ranking", (), tokenizer.pad_id, 0)
    model.network.eval()
    parts = task().encode(examples, (), tokenizer, 32)
    store = in_memory(parts, np.zeros(len(examples), np.int64), "text")
    return model, store


def test_who_is_wrong_in_a_batch(tiny):
    examples = Examples(
        ["the film", "the film", "a meal", "a song"], ["was good", "is great", "was cold", "is great"], None,
        {"negatives": [(), ("is sad",), ("was good", "the room"), ("is sad", "a song")]},
    )  # fmt: skip
    model, store = batch_of(examples, tiny())
    batch = store.batch(np.array([0, 2, 3]))
    with torch.no_grad():
        output = model(batch)
        vectors = F.normalize(model.answers(batch), dim=1)
    texts = ["was good", "was cold", "was good", "the room", "is great", "is sad", "a song"]
    places = [1, 3, 4, 5, 7, 8, 9]
    assert output.targets.tolist() == [0, 1, 4]
    counts = {  # of each row the candidates that count: its own, and every wrong one once
        0: ["was good", "was cold", "the room", "is sad", "a song"],  # "is great" belongs to "the film" in another row
        1: ["was good", "was cold", "the room", "is great", "is sad", "a song"],
        2: ["was good", "was cold", "the room", "is great", "is sad"],  # not the text itself
    }
    for row, (first, named) in enumerate(zip([0, 2, 6], counts.values(), strict=True)):
        kept = (output.logits[row] > -1e3).nonzero()[:, 0].tolist()
        assert [texts[k] for k in kept] == named
        expected = torch.stack([20 * vectors[first] @ vectors[places[k]] for k in kept])
        assert torch.allclose(output.logits[row, kept], expected, atol=1e-4)


def test_of_equal_texts_the_own_one_counts(tiny):
    examples = Examples(["a film", "a meal", "a song"], ["is good", "was cold", "is good"], None)
    model, store = batch_of(examples, tiny())
    output = model(store.batch(np.arange(3)))
    assert output.targets.tolist() == [0, 1, 2]
    assert [(row > -1e3).tolist() for row in output.logits] == [
        [True, True, False], [True, True, False], [False, True, True]
    ]  # fmt: skip


def test_what_is_found_is_what_lies_nearest():
    generator = np.random.default_rng(0)
    values = generator.normal(size=(80, 5))
    examples = Examples([f"q{i}" for i in range(40)], [f"d{i % 30}" for i in range(40)], ["?"] * 40)
    found = task().decode(examples, None, Answers(values, np.arange(0, 81, 2)), (), Tuned())
    unit = values / np.linalg.norm(values, axis=1, keepdims=True)
    for row in range(40):
        order = np.argsort(-(unit[1:60:2] @ unit[2 * row]), kind="stable")
        assert found.guess[row] == tuple(f"d{k}" for k in order)
        assert found.told["similarity"][row] == pytest.approx(unit[2 * row] @ unit[2 * row + 1])
    judged = task().judged(examples, found, ())
    assert judged.gold[3] == frozenset({"d3"})


def test_equal_scores_keep_the_order_of_the_documents():
    documents = [f"d{i}" for i in range(150)]
    (found,) = ranked(np.array([[1.0, *[2.0] * 149]]), documents)
    assert len(found) == 100 and "d0" not in found
    assert ranked(np.array([[1.0, 2.0, 1.0]]), documents[:3]) == [("d1", "d0", "d2")]


def test_bm25_is_its_formula():
    documents = ["the cat sat", "the dog ran and ran", "a bird"]
    examples = Examples(["cat", "the dog ran", "nothing here"], documents, None)
    scores = []
    mean = 10 / 3
    for query in examples.texts:
        row = []
        for document in documents:
            words, total = document.split(), 0.0
            for word in query.split():
                n = sum(word in d.split() for d in documents)
                often = words.count(word)
                rarity = math.log(1 + (3 - n + 0.5) / (n + 0.5))
                total += rarity * often * 2.2 / (often + 1.2 * (1 - 0.75 + 0.75 * len(words) / mean))
            row.append(total)
        scores.append(row)
    part = Bm25()
    part.learn(examples, np.zeros(3), (), 0)
    found = part.guesses(examples).guess
    assert [list(row) for row in found] == [list(row) for row in ranked(np.array(scores), documents)]
    counts = csr_array(np.array([[1, 0], [1, 2]]))
    assert weights(counts).toarray()[1, 1] == pytest.approx(
        math.log(1 + 1.5 / 1.5) * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 3 / 2))
    )


def test_places_are_counted():
    gold = np.array([frozenset({"a"})] * 5, object)
    guess = np.empty(5, object)
    for row, place in enumerate((0, 3, 8, 40, None)):
        guess[row] = tuple("a" if k == place else f"b{k}" for k in range(50))
    told = OfRanking()(Judged(gold, guess, None, ()), None, Tuned(), 0, 0)["places"]
    assert {name: entry["rows"] for name, entry in told.items()} == {
        "first": [0], "2 to 5": [1], "6 to 10": [2], "later": [3], "not found": [4]
    }  # fmt: skip
    assert told["first"]["share"] == 0.2


def test_columns_of_pairs_and_of_wrong_texts():
    zero = np.zeros(2, np.int64)
    columns = pa.table({
        "anchor": ["one text of some length", "two texts of some length"], "positive": ["a right one", "the other one"],
        "negative": [["x", None], None],
    })  # fmt: skip
    table = Table(columns, ("here.parquet",), zero, zero + 1, zero, zero - 1)
    found, roles = task_and_roles("retrieval", {}, table, {})
    assert (roles.text, roles.text_pair, roles.label) == ("anchor", "positive", "positive")
    assert found.more(table, roles) == {"negatives": [("x",), ()]}


def rows_of_topics(rows):
    chance = np.random.default_rng(1)
    made = {"query": [], "passage": []}
    for number in range(rows):
        topic = TOPICS[number % len(TOPICS)].split()
        words = chance.choice(tiny_models.WORDS["any"], 6).tolist()
        made["query"].append(" ".join([*words[:3], topic[0], topic[2]]))
        made["passage"].append(" ".join([topic[1], *words[3:], topic[2]]))
    return made


def test_retrieval_from_rows_to_files(tiny, tmp_path):
    run = bertune.train(
        rows_of_topics(80), task="retrieval", model=tiny(), out=tmp_path / "run", quiet=True,
        settings={"training.epochs": 2, "loss.name": "triplet", "training.precision": "fp32"},
    )  # fmt: skip
    assert run.status == "done"
    scores = json.loads((tmp_path / "run" / "scores.json").read_text(encoding="utf-8"))
    assert set(scores["baselines"]) == {"bm25"} and "places" in scores
    assert 0 < scores["test"]["recall_at_10"]["value"] <= 1
    (tmp_path / "pairs.csv").write_text("query,passage\nlovely film,a film\n", encoding="utf-8")
    (tmp_path / "texts.csv").write_text("query\nlovely film\na film\n", encoding="utf-8")
    for name in ("pairs", "texts"):
        assert command("predict", tmp_path / "run", tmp_path / f"{name}.csv", "--out", tmp_path / f"{name}.jsonl") == 0
    (pair,) = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text().splitlines()]
    one, two = (
        np.array(json.loads(line)["prediction"]) for line in (tmp_path / "texts.jsonl").read_text().splitlines()
    )
    assert pair["prediction"] == pytest.approx(one @ two / np.linalg.norm(one) / np.linalg.norm(two), abs=1e-5)
    assert pair["found"] == []
    again = run.evaluate(rows_of_topics(30))
    assert 0 < again["recall_at_10"].value <= 1


def test_a_saved_folder_is_one_of_sentence_transformers(tiny, tmp_path):
    made = contract.make("retrieval", tiny(), tmp_path)
    save(made, tmp_path / "model")
    texts = list(made.examples.texts)
    found = predict_rows(saved.load(tmp_path / "model"), texts).guesses.guess
    assert np.abs(found - as_sentence_transformers(tmp_path / "model", texts)).max() < 1e-5
