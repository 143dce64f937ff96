"""Texts as vectors: cosines in the scale of scores, and folders that sentence-transformers reads."""

import json

import numpy as np
import pytest
import task_contract as contract
import torch
from test_task_contract import save
from transformers import AutoModel, AutoTokenizer

import bertune
import tiny_models
from bertune.base import registry
from bertune.base.errors import BertuneError
from bertune.base.types import Answers, Examples, Tuned
from bertune.evaluate import saved
from bertune.model.cached import LowerLayers, cache_of
from bertune.runs.predict import predict_rows

TOPICS = ["lovely warm film", "awful dull meal", "fresh sweet song", "broken cold room"]


def pair_rows(rows=60):
    """Pairs of texts with 5 where they share their topic, else 0."""
    chance = np.random.default_rng(0)
    made = {"sentence1": [], "sentence2": [], "score": []}
    for _ in range(rows):
        one, two = (int(k) for k in chance.integers(0, len(TOPICS), 2))
        fill = [" ".join(chance.choice(tiny_models.WORDS["any"], 3)) for _ in range(2)]
        made["sentence1"].append(f"{fill[0]} {TOPICS[one]}")
        made["sentence2"].append(f"{TOPICS[two]} {fill[1]}")
        made["score"].append(5.0 if one == two else 0.0)
    return made


def as_sentence_transformers(folder, texts):
    """Vectors as its modules say: a transformer, then pooling; written from the files alone."""
    modules = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
    assert kinds == ["Transformer", "Pooling"] and modules[0]["path"] == ""
    pooling = json.loads((folder / modules[1]["path"] / "config.json").read_text(encoding="utf-8"))
    assert [name for name, value in pooling.items() if value is True] == ["pooling_mode_mean_tokens"]
    most = json.loads((folder / "sentence_bert_config.json").read_text(encoding="utf-8"))["max_seq_length"]
    tokenizer, network = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    given = tokenizer(texts, padding=True, truncation=True, max_length=most, return_tensors="pt")
    with torch.no_grad():
        states = network(**given).last_hidden_state
    mask = given["attention_mask"][:, :, None]
    found = ((states * mask).sum(1) / mask.sum(1)).numpy()
    assert found.shape[1] == pooling["word_embedding_dimension"]
    return found


def test_scores_become_cosines_and_come_back():
    task = registry.load("tasks", "similarity")()
    examples = Examples(["a", "b", "c"], ["d", "e", "f"], [1.0, 5.0, None])
    unit = task.unit(examples)
    assert task.targets(examples, (), unit)[:2].tolist() == [0.0, 1.0]
    answers = Answers(np.array([[1.0, 0], [2, 0], [1, 0], [0, 3], [1, 0], [1, 1]]), np.array([0, 2, 4, 6]))
    found = task.decode(examples, None, answers, (), unit).guess
    assert found == pytest.approx([5.0, 1.0, 1.0 + 4.0 * 0.5**0.5])


def test_pairs_with_scores_are_regression_unless_named(tmp_path):
    from bertune.runs.examples import task_and_roles

    table = contract.table_of_example(registry.load("tasks", "similarity"), tmp_path)
    assert task_and_roles("auto", {}, table, {})[0].name == "regression"


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_a_saved_folder_is_one_of_sentence_transformers(architecture, tiny, tmp_path):
    made = contract.make("similarity", tiny(architecture), tmp_path)
    save(made, tmp_path / "model")
    texts = [*made.examples.texts[:3], "good " * 100]
    expected = as_sentence_transformers(tmp_path / "model", texts)
    found = predict_rows(saved.load(tmp_path / "model"), texts)
    assert np.abs(found.guesses.guess - expected).max() < 1e-5
    assert found.answer(0)["prediction"] == pytest.approx(expected[0].tolist(), abs=1e-5)
    assert found.cut.tolist() == [False, False, False, True]


def test_a_pair_is_answered_with_the_cosine_of_its_vectors(tiny, tmp_path):
    made = contract.make("similarity", tiny(), tmp_path)
    made.unit = Tuned()
    save(made, tmp_path / "model")
    model = saved.load(tmp_path / "model")
    firsts, seconds = list(made.examples.texts), list(made.examples.pairs)
    one, two = (predict_rows(model, texts).guesses.guess for texts in (firsts, seconds))
    expected = (one * two).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)
    assert predict_rows(model, firsts, seconds).guesses.guess == pytest.approx(expected, abs=1e-6)


def test_nothing_is_stored_once_for_all(tiny, tmp_path):
    made = contract.make("similarity", tiny(), tmp_path)
    names = {name for name, _ in made.model.named_parameters()}
    assert cache_of(made.model, names, made.store.batch(np.arange(2))) is None


def test_what_lies_below_the_top_layers_is_stored(tiny, tmp_path):
    made = contract.make("similarity", tiny(), tmp_path)
    top = {name for name, depth in made.model.depths().items() if depth == 1}
    assert isinstance(cache_of(made.model, top, made.store.batch(np.arange(2))), LowerLayers)


def test_similarity_from_rows_to_files(tiny, tmp_path):
    run = bertune.train(
        pair_rows(), task="similarity", model=tiny(), out=tmp_path / "run", quiet=True,
        settings={"training.epochs": 2, "model.top_layers": 1, "model.train": "top", "training.precision": "fp32"},
    )  # fmt: skip
    assert run.status == "done"
    model = saved.load(tmp_path / "run")
    assert model.about.more == {"low": 0.0, "high": 5.0}
    (tmp_path / "pairs.csv").write_text("sentence1,sentence2\nlovely film,a film\n", encoding="utf-8")
    (tmp_path / "texts.csv").write_text("sentence1\nlovely film\na film\n", encoding="utf-8")
    told = {}
    for name in ("pairs", "texts"):
        for suffix in ("jsonl", "parquet"):
            out = tmp_path / f"{name}.{suffix}"
            assert command("predict", tmp_path / "run", tmp_path / f"{name}.csv", "--out", out) == 0
        told[name] = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
    one, two = (np.array(row["prediction"]) for row in told["texts"])
    cosine = one @ two / np.linalg.norm(one) / np.linalg.norm(two)
    assert told["pairs"][0]["prediction"] == pytest.approx(5 * cosine, abs=1e-5)
    answers = run.predict(["lovely film"])
    assert answers[0].label == pytest.approx(one.tolist(), abs=1e-5)


def test_a_head_that_is_not_there_cannot_learn_alone(tiny, tmp_path):
    with pytest.raises(BertuneError, match="every parameter is frozen"):
        bertune.train(pair_rows(), task="similarity", model=tiny(), out=tmp_path / "run", quiet=True,
                      settings={"model.train": "head"})  # fmt: skip


def command(*words):
    from bertune.cli.main import run

    try:
        return run([str(word) for word in words]) or 0
    except SystemExit as end:
        return end.code or 0
