"""Texts longer than the model reads: in windows every token is read and pooled, cut they keep the end that is asked."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import task_contract as contract
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import bertune
import tiny_models
from bertune.base import registry
from bertune.base.errors import ModelError
from bertune.base.types import Examples
from bertune.data.store import in_memory
from bertune.data.tokenizer import TextTokenizer
from bertune.evaluate import saved
from bertune.evaluate.predict import predict
from bertune.model import packing
from bertune.model.heads._attention import attention_of, weighed
from bertune.runs.ask import ask
from bertune.runs.dry_run import dry_run
from bertune.runs.telling import Silent
from bertune.runs.train import train

TASKS = ("text_classification", "pair_classification", "multi_label", "regression")
SHORT = {"pair_classification": 28}  # tokens of a window, else 12: the examples have more, in pieces of words
WORDS = [word for group in tiny_models.WORDS.values() for word in group]
TEXTS = st.lists(st.sampled_from([*WORDS, "的", "q", "."]), max_size=60).map(" ".join)
QUICK = {
    "training.epochs": 1, "training.seeds": 1, "training.threads": 1, "training.precision": "fp32",
    "training.batch_size": 16, "optimizer.learning_rate": 1e-3, "evaluation.resamples": 100,
    "evaluation.baselines": False, "model.max_length": 16,
}  # fmt: skip
WINDOWS = {"task.long_texts": "windows", "task.stride": 4}


def task_of(name, pooling="mean", **more):
    return registry.load("tasks", name)(long_texts="windows", stride=6, pooling=pooling, **more)


CASES = [(name, a, "mean") for name in TASKS for a in ("bert", "roberta")]
CASES += [("text_classification", "distilbert", "max"), ("pair_classification", "bert", "max"),
          ("multi_label", "electra", "max")]  # fmt: skip
CASES += [("text_classification", "roberta", "attention"), ("pair_classification", "bert", "attention"),
          ("multi_label", "distilbert", "attention"), ("regression", "electra", "attention")]  # fmt: skip


@pytest.fixture(params=CASES, ids=["-".join(case) for case in CASES])
def made(request, tiny, tmp_path, monkeypatch):
    """A task that reads windows, with a model whose weights show what a text says."""
    name, architecture, pooling = request.param
    monkeypatch.setattr(contract, "LENGTH", SHORT.get(name, 12))
    one = contract.make(name, tiny(architecture), tmp_path, task_of(name, pooling))
    with torch.no_grad():
        for parameter in one.model.network.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)
        if pooling == "attention":  # its weights begin at 0, which is the mean
            one.model.head.more.outer.weight.normal_(generator=torch.Generator().manual_seed(0))
    assert len(one.store.owner) > len(one.store), "some row has several windows"
    return one


def test_rows_of_windows_keep_the_contract(made, tmp_path):
    """A row alone answers as among others, odd rows are answered, and gold comes back."""
    contract.check_order_does_not_matter(made)
    contract.check_reads_its_texts(made)
    contract.check_odd_rows(made)
    contract.check_decode(made)
    contract.check_judged_again(made, tmp_path / "answers.parquet")


def test_rows_of_windows_are_learnt_by_heart(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(contract, "LENGTH", 12)
    cases = [("text_classification", "max"), ("regression", "mean"), ("text_classification", "attention")]
    for name, pooling in cases:
        contract.check_learns_by_heart(contract.make(name, tiny(), tmp_path / name / pooling, task_of(name, pooling)))


def test_saved_is_loaded_with_its_windows(made, tmp_path):
    roles = {"text": made.roles.text, "text_pair": made.roles.text_pair, "label": made.roles.label}
    own = {"long_texts": "windows", "stride": 6, "pooling": made.task.pooling}
    about = saved.About(made.task.name, made.classes, {**roles, **made.roles.more}, contract.LENGTH, (), "drop", "",
                        1.0, None, made.task.metrics[0], "0", settings=own)  # fmt: skip
    saved.save(made.model, made.tokenizer, about, tmp_path / "model")
    again = saved.load(tmp_path / "model")
    parts = again.task.encode(made.examples, made.classes, again.tokenizer, contract.LENGTH)
    store = in_memory(parts, np.zeros(len(made.examples), np.int64))
    one, two = (
        predict(m, s, batch_size=3, max_tokens=999) for m, s in ((made.model, made.store), (again.model, store))
    )
    assert np.abs(one.values - two.values).max() < 1e-5 and one.values.std() > 1e-3
    contract.check_loaded_by_others(made, tmp_path / "model")


def test_the_windows_of_a_text_are_pooled(made):
    """The mean of the windows' answers, of each class the highest, or the mean of learnt weights."""
    network = made.model.network.eval()
    batch = made.store.batch(np.arange(len(made.store)))
    given = packing.pad(batch, made.model.pad_id)
    with torch.no_grad():
        each = network(**given).logits.numpy()
        found = made.model.answers(batch).numpy()
        states = network(**given, output_hidden_states=True).hidden_states[-1][:, 0].numpy()
    weights = np.zeros(len(each))
    if made.task.pooling == "attention":
        inner, outer = (p.detach().numpy() for p in made.model.head.more.parameters())
        weights = np.tanh(states @ inner.T) @ outer[0]
        assert np.ptp(weights) > 0.1, "the windows weigh alike"
    owner = batch.owner.numpy()
    for row in range(len(made.store)):
        of_row, mass = each[owner == row], np.exp(weights[owner == row])
        pooled = of_row.max(0) if made.task.pooling == "max" else (of_row * mass[:, None]).sum(0) / mass.sum()
        assert np.abs(found[row] - pooled).max() < 1e-5


def test_attention_begins_with_the_mean(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(contract, "LENGTH", 12)
    found = []
    for pooling in ("mean", "attention"):
        one = contract.make("text_classification", tiny(), tmp_path / pooling, task_of("text_classification", pooling))
        one.model.network.eval()
        with torch.no_grad():
            found.append(one.model.answers(one.store.batch(np.arange(len(one.store)))))
    assert torch.allclose(*found, atol=1e-6)


def test_attention_needs_states_of_windows(tiny, tmp_path):
    network = contract.make("text_classification", tiny(), tmp_path).model.network
    with pytest.raises(ModelError, match="encoder and head in one"):
        attention_of(network.base_model)


def test_windows_weigh_by_what_is_learnt():
    """Shares of a row add up to 1 however large the weights are, and gradients are differences."""
    logits = torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    weights = torch.tensor([1.0, -2.0, 0.5, 3.0, 0.1], dtype=torch.float64).requires_grad_()
    owner = torch.tensor([0, 0, 1, 1, 1])
    assert torch.autograd.gradcheck(lambda a, b: weighed(a, b, owner, 2), [logits, weights])
    huge = weighed(torch.ones(5, 2), weights.detach().float() * 1e4, owner, 2)
    assert torch.allclose(huge, torch.ones(2, 2))


def test_many_windows_are_answered_in_portions(made):
    batch = made.store.batch(np.arange(len(made.store)))
    with torch.no_grad():
        parts = list(packing.portions(batch, 3 * contract.LENGTH))
    sizes = np.concatenate([np.diff(p.starts.numpy()) for p in parts])
    assert len(parts) > 1 and (sizes == np.diff(batch.starts.numpy())).all()
    assert torch.equal(torch.cat([p.ids for p in parts]), batch.ids)
    assert all(p.texts * int(np.diff(p.starts.numpy()).max()) <= 3 * contract.LENGTH for p in parts)
    assert len(list(packing.portions(batch, 3 * contract.LENGTH))) == 1, "with gradients a batch stays whole"


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize("name", TASKS)
def test_windows_of_short_texts_are_what_is_cut_of_them(name, architecture, tiny, tmp_path):
    task = registry.load("tasks", name)
    table = contract.table_of_example(task, tmp_path)
    _, roles = contract.task_and_roles(name, {}, table, {})
    examples = contract.examples_of(task(), table, roles)
    tokenizer = TextTokenizer(tiny(architecture))
    one, two = (next(iter(t.encode(examples, (), tokenizer, 200))) for t in (task(), task_of(name)))
    assert (one.ids == two.ids).all() and (one.lengths == two.lengths).all()
    assert (one.types is None) == (two.types is None) and (one.types is None or (one.types == two.types).all())


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@given(text=TEXTS, size=st.integers(3, 40), stride=st.integers(0, 30))
@settings(max_examples=60)
def test_every_token_of_a_long_text_is_read(architecture, tiny, text, size, stride):
    """The windows hold the tokens of the whole text in their order, each at least once, and nothing else."""
    tokenizer = TextTokenizer(tiny(architecture))
    task = registry.load("tasks", "text_classification")(long_texts="windows", stride=stride)
    part = next(iter(task.encode(Examples([text]), (), tokenizer, size)))
    whole = tokenizer.pieces([text]).ids.tolist()
    assert part.lengths.max() <= size
    reached, room = 0, size - 2
    shared = min(stride, room // 2)
    for number, ids in enumerate(np.split(part.ids, np.cumsum(part.lengths)[:-1])):
        inside, first = ids[1:-1].tolist(), number * max(room - shared, 1)
        assert first <= reached and inside == whole[first : first + len(inside)]
        reached = first + len(inside)
    assert reached == len(whole)


@pytest.mark.parametrize("architecture", ["bert", "roberta"])
@pytest.mark.parametrize("paired", [False, True])
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5), size=st.integers(6, 50))
@settings(max_examples=40)
def test_what_is_cut_off_has_another_end_but_the_same_size(architecture, paired, tiny, rows, size):
    """Of the tail and of both ends as many tokens stay as the tokenizer's own cut leaves of the heads."""
    tokenizer = TextTokenizer(tiny(architecture))
    texts, pairs = [a for a, _ in rows], [b for _, b in rows] if paired else None
    head, tail, both = (
        next(iter(tokenizer.encode(texts, pairs, size, keep))) for keep in ("head", "tail", "head_tail")
    )
    assert head.lengths.tolist() == tail.lengths.tolist() == both.lengths.tolist()
    assert head.types is None or ((head.types == tail.types).all() and (head.types == both.types).all())
    if not paired:
        for i, text in enumerate(texts):
            whole = tokenizer.pieces([text]).ids.tolist()
            bounds = slice(int(head.lengths[:i].sum()) + 1, int(head.lengths[: i + 1].sum()) - 1)
            kept = [part.ids[bounds].tolist() for part in (head, tail, both)]
            assert kept[0] == whole[: len(kept[0])] and kept[1] == whole[len(whole) - len(kept[1]) :]
            first = round(len(kept[2]) * 128 / 510) if len(whole) > len(kept[2]) else 0
            assert kept[2] == whole[:first] + whole[len(whole) - len(kept[2]) + first :]


def long_rows(path, rows=90, pairs=False):
    """Rows whose label is in the last words of a long text."""
    made = tiny_models.sentences(rows, 3)
    filler = "the film was very quite rather it this that and but a room day song " * 2
    columns = {"text": [f"{filler}{text}" for text, _ in made], "label": [label for _, label in made]}
    if pairs:
        columns |= {"text_pair": ["it was", *[text for text, _ in made][1:]]}
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_a_run_in_windows_from_training_to_prediction(pooling, tiny, tmp_path):
    data, teller = long_rows(tmp_path / "rows.parquet"), Silent()
    asked = {"data": str(data), "model": str(tiny()), "task": "text_classification"}
    recipe = ask(asked, {**QUICK, **WINDOWS, "task.pooling": pooling})
    folder = train(recipe, tmp_path / "run", teller=teller)
    told = next(text for kind, text in teller.heard if kind == "length")
    assert told.startswith("windows of 16 tokens: 72 texts (100 %) in two or more") and told.endswith("none cut")
    record = folder.record()
    assert all(entry["rows_cut"] == entry["tokens_cut"] == 0 for entry in record["lengths"]["ledger"].values())
    assert not any(f["code"] == "truncation" for f in json.loads(folder.findings.read_text()))
    about = json.loads((folder.model / "bertune.json").read_text())["settings"]
    assert (about["long_texts"], about["stride"], about["pooling"]) == ("windows", 4, pooling)
    run = bertune.load(tmp_path / "run")
    rows = pq.read_table(folder.predictions / "test.parquet").to_pydict()
    found = run.predict(rows["text"])
    assert [p.label for p in found] == rows["prediction"]
    assert [p.probability for p in found] == pytest.approx(rows["probability"], abs=1e-5)
    end = run.predict([rows["text"][0], f"{rows['text'][0]} awful awful awful"])
    assert pooling == "max" or end[0].probability != end[1].probability, "the end of a long text is read"
    assert (folder.path / "suspects.json").exists()
    if pooling == "attention":
        assert float(saved.load(folder.path).model.head.more.outer.weight.detach().abs().max()) > 0, "it learns"
    card = (folder.model / "README.md").read_text(encoding="utf-8")
    assert ("weights in `bertune.safetensors`" in card) == (pooling == "attention")


def test_a_run_that_keeps_the_tails_tells_and_predicts_so(tiny, tmp_path):
    data, teller = long_rows(tmp_path / "rows.parquet"), Silent()
    asked = {"data": str(data), "model": str(tiny()), "task": "text_classification"}
    train(ask(asked, {**QUICK, "task.keep": "tail"}), tmp_path / "run", teller=teller, report=False)
    assert any(kind == "length" and "16 tokens cut 72 texts (100 %) to their tails" in t for kind, t in teller.heard)
    run = bertune.load(tmp_path / "run")
    one, two = run.predict(["lovely " * 30 + "awful " * 20, "dull " * 30 + "awful " * 20])
    assert one.probability == two.probability, "only the tail is read"


@pytest.mark.parametrize("mode, pooling", [("train", "mean"), ("train", "attention"), ("dry_run", "attention")])
def test_the_head_alone_learns_from_windows_encoded_once(mode, pooling, tiny, tmp_path):
    data, teller = long_rows(tmp_path / "rows.parquet"), Silent()
    asked = {"data": str(data), "model": str(tiny()), "task": "text_classification"}
    recipe = ask(asked, {**QUICK, **WINDOWS, "model.train": "head", "task.pooling": pooling})
    if mode == "dry_run":
        assert dry_run(recipe, teller).steps > 0
    else:
        train(recipe, tmp_path / "run", teller=teller, report=False)
        assert any("computed once" in text for _, text in teller.heard)


def test_a_first_text_that_must_be_cut_is_told(tiny, tmp_path):
    data, teller = long_rows(tmp_path / "rows.parquet", pairs=True), Silent()
    asked = {"data": str(data), "model": str(tiny()), "task": "pair_classification"}
    folder = train(ask(asked, {**QUICK, **WINDOWS}), tmp_path / "run", teller=teller)
    assert any(kind == "length" and "the first text of 72 pairs cut" in text for kind, text in teller.heard)
    assert folder.record()["lengths"]["ledger"]["train"]["rows_cut"] == 72
    answered = bertune.load(tmp_path / "run").predict([("very " * 40, "good " * 40), ("it", "good " * 40)])
    assert len(answered) == 2


def test_windows_are_no_longer_than_is_usual():
    lengths = np.full(100, 700)
    assert task_of("text_classification").length(lengths, 512) == 256
    assert task_of("regression").length(lengths, 128) == 128
    assert task_of("multi_label").length(np.full(9, 40), 512) == 40
    assert registry.load("tasks", "text_classification")().length(lengths, 512) == 512
