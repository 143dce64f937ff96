"""Tags as a chain: the loss is that of whole sequences, and what is learnt beside the network is kept like the rest."""

import itertools
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import task_contract as contract
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForTokenClassification

import bertune
import tiny_models
from bertune.base.errors import ModelError
from bertune.base.recipe import resolve
from bertune.base.types import Batch
from bertune.data import tags
from bertune.data.store import in_memory
from bertune.engine import checkpoint
from bertune.engine.learner import parameter_groups
from bertune.evaluate import saved
from bertune.evaluate.predict import predict
from bertune.losses.cross_entropy import CrossEntropy
from bertune.model.beside import FILE
from bertune.model.freezing import freeze
from bertune.model.heads._chain import Chain
from bertune.runs.ask import ask
from bertune.runs.telling import Silent
from bertune.runs.train import train
from bertune.tasks.token_classification import TokenClassification

TAGS = 3
NONE = -100
QUICK = {
    "training.epochs": 6, "training.seeds": 1, "training.threads": 1, "training.precision": "fp32",
    "training.batch_size": 8, "optimizer.learning_rate": 5e-3, "evaluation.resamples": 100,
    "evaluation.baselines": False, "task.name": "token_classification", "task.crf": True,
    "training.keep_checkpoints": True,
}  # fmt: skip


def a_chain(seed):
    """A chain whose numbers are drawn, in float64 so that differences can be taken."""
    chain, chance = Chain(TAGS).double(), torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in chain.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=chance, dtype=torch.float64) * 2)
    return chain


def a_batch(rows):
    """A batch of rows, each a list of windows, each a list of targets (None for a token that has none)."""
    windows = [(i, window) for i, row in enumerate(rows) for window in row]
    sizes = [len(window) for _, window in windows]
    targets = [NONE if tag is None else tag for _, window in windows for tag in window]
    return Batch(
        torch.zeros(sum(sizes), dtype=torch.int64), torch.tensor([0, *np.cumsum(sizes)]),
        torch.tensor([i for i, _ in windows]), torch.tensor(targets, dtype=torch.int64), np.arange(len(rows)),
    )  # fmt: skip


def likelihood(chain, scores, gold):
    """log p(gold) by the sum over all sequences."""

    def total(path):
        steps = sum(chain.transition[a, b] for a, b in itertools.pairwise(path))
        return chain.start[path[0]] + steps + chain.end[path[-1]] + sum(scores[i, t] for i, t in enumerate(path))

    every = torch.stack([total(path) for path in itertools.product(range(TAGS), repeat=len(gold))])
    return total(gold) - torch.logsumexp(every, 0)


WINDOW = st.lists(st.sampled_from([None, 0, 1, 2]), min_size=1, max_size=5)
ROW = st.lists(WINDOW, min_size=1, max_size=3).filter(lambda row: sum(t is not None for w in row for t in w) <= 4)


@given(rows=st.lists(ROW, min_size=1, max_size=4), seed=st.integers(0, 2**31))
@settings(max_examples=40)
def test_the_losses_of_a_row_add_up_to_its_likelihood(rows, seed):
    """Whatever windows its words stand in, and whatever rows stand beside it."""
    chain, batch = a_chain(seed), a_batch(rows)
    scores = torch.randn(len(batch.ids), TAGS, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    terms = CrossEntropy()(chain(scores, batch), batch.targets)
    owner = batch.owner.repeat_interleave(batch.starts[1:] - batch.starts[:-1])
    for row in range(len(rows)):
        asked = (owner == row) & (batch.targets != NONE)
        gold = batch.targets[asked].tolist()
        expected = -likelihood(chain, scores[asked], gold) if gold else torch.tensor(0.0)
        found = terms.values[owner == row].sum()
        assert float(found.detach()) == pytest.approx(float(expected.detach()), abs=1e-9)
        assert int(terms.weights[owner == row].sum()) == len(gold), "every tagged word counts once"


def test_gradients_are_differences():
    chain, batch = a_chain(1), a_batch([[[None, 0, 1], [2, None, 1]], [[0]], [[2, 2, 1, 0]], [[None]]])
    scores = torch.randn(len(batch.ids), TAGS, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def value(given, *parameters):
        named = dict(zip(("start", "end", "transition"), parameters, strict=True))
        judged = torch.func.functional_call(chain, named, (given, batch))
        return CrossEntropy()(judged, batch.targets).values

    given = [scores, chain.start, chain.end, chain.transition]
    assert torch.autograd.gradcheck(value, [tensor.detach().requires_grad_() for tensor in given])


def test_a_chain_of_zeros_is_no_chain():
    batch = a_batch([[[None, 0, 1], [2, None]], [[0, 0]]])
    scores = torch.randn(len(batch.ids), TAGS)
    one, two = (CrossEntropy()(s, batch.targets).values for s in (scores, Chain(TAGS)(scores, batch)))
    assert torch.allclose(one, two, atol=1e-5)


def test_too_many_tags_are_refused():
    with pytest.raises(ModelError, match="too many tags"):
        Chain(1001)


@pytest.fixture
def made(tiny, tmp_path, monkeypatch):
    """The example with a chain, in windows of few tokens, its numbers drawn so that they decide something."""
    monkeypatch.setattr(contract, "LENGTH", 14)
    one = contract.make("token_classification", tiny(), tmp_path, TokenClassification(crf=True, stride=4))
    assert len(one.store.owner) > len(one.store), "some row has several windows"
    with torch.no_grad():
        for parameter in one.model.head.more.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(4)))
        one.model.network.classifier.weight.mul_(30)
    return one


def test_rows_of_chains_keep_the_contract(made, tmp_path):
    contract.check_order_does_not_matter(made)
    contract.check_odd_rows(made)
    contract.check_decode(made)
    contract.check_judged_again(made, tmp_path / "answers.parquet")


def test_chains_are_learnt_by_heart(tiny, tmp_path):
    contract.check_learns_by_heart(contract.make("token_classification", tiny(), tmp_path,
                                                 TokenClassification(crf=True)))  # fmt: skip


@pytest.mark.parametrize("constrained", [True, False])
def test_the_likeliest_sequence_is_answered_over_all_windows(made, constrained):
    """One sequence a row, from whatever windows its words are asked in; `sure` is its share of all sequences."""
    task = TokenClassification(crf=True, stride=4, constrained=constrained)
    answers = predict(made.model, made.store, batch_size=3, max_tokens=4096)
    found = task.decode(made.examples, made.store, answers, made.classes, made.unit)
    chain = made.model.head.more.double()
    differs = False
    for row in range(len(made.store)):
        part = slice(*made.store.bounds("token")[row : row + 2])
        asked = np.flatnonzero(made.store.beside["word"][part] >= 0)
        assert made.store.beside["word"][part][asked].tolist() == list(range(len(made.examples.more["words"][row])))
        scores = torch.from_numpy(answers.values[part][asked])
        paths = list(itertools.product(range(len(made.classes)), repeat=len(asked))) if len(asked) < 5 else []
        names = [[made.classes[t] for t in path] for path in paths]
        allowed = [p for p, n in zip(paths, names, strict=True) if not constrained or sound(n)]
        if not allowed:
            continue
        sums = [sum_of(chain, scores, p) for p in allowed]
        best = allowed[int(np.argmax(sums))]
        spans = tuple(tags.spans([made.classes[t] for t in best], "IOB2"))
        assert found.guess[row] == spans
        chances = np.exp(np.array(sums) - max(sums))
        for span, told in zip(spans, found.told["entities"][row], strict=True):
            words = range(*span[:2])
            sure = [chances[[p[w] == best[w] for p in allowed]].sum() / chances.sum() for w in words]
            assert told["score"] == pytest.approx(float(np.mean(sure)), abs=1e-6)
        plain = task.decode(made.examples, made.store, replace(answers, more={}), made.classes, made.unit)
        differs |= plain.guess[row] != found.guess[row]
    assert differs, "the chain decides nothing here"


def sound(names):
    return not tags.problems([names], "IOB2")


def sum_of(chain, scores, path):
    with torch.no_grad():
        steps = sum(float(chain.transition[a, b]) for a, b in itertools.pairwise(path))
        ends = float(chain.start[path[0]] + chain.end[path[-1]])
        return ends + steps + sum(float(scores[i, t]) for i, t in enumerate(path))


def test_the_saved_model_is_plain_and_the_chain_lies_beside(made, tmp_path):
    about = saved.About("token_classification", made.classes, {"text": "tokens", "label": "tags"}, contract.LENGTH, (),
                        "drop", "", 1.0, None, "entity_f1", "0", settings={"crf": True, "stride": 4})  # fmt: skip
    folder = tmp_path / "model"
    saved.save(made.model, made.tokenizer, about, folder)
    again = saved.load(folder)
    assert set(again.model.head.told()) == {"start", "transition", "end"}
    for name, values in made.model.head.told().items():
        assert (again.model.head.told()[name] == values).all()
    parts = again.task.encode(made.examples, made.classes, again.tokenizer, contract.LENGTH)
    store = in_memory(parts, np.zeros(len(made.examples), np.int64), "token")
    one, two = (
        made.task.decode(made.examples, s, predict(m, s, batch_size=3, max_tokens=999), made.classes, made.unit)
        for m, s in ((made.model, made.store), (again.model, store))
    )
    assert one.guess.tolist() == two.guess.tolist()
    contract.check_loaded_by_others(made, folder)
    _, info = AutoModelForTokenClassification.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]


@pytest.mark.parametrize("fault", ["missing", "damaged", "another"])
def test_a_model_without_its_chain_is_refused(made, tmp_path, fault):
    about = saved.About("token_classification", made.classes, {"text": "tokens", "label": "tags"}, contract.LENGTH, (),
                        "drop", "", 1.0, None, "entity_f1", "0", settings={"crf": True})  # fmt: skip
    folder = tmp_path / "model"
    saved.save(made.model, made.tokenizer, about, folder)
    if fault == "missing":
        (folder / FILE).unlink()
    elif fault == "damaged":
        (folder / FILE).write_bytes((folder / FILE).read_bytes()[:40])
    else:
        made.model.head.more = Chain(len(made.classes) + 1)
        saved.beside.write(made.model.head.more, folder)
    with pytest.raises(ModelError, match=FILE):
        saved.load(folder)


def test_what_lies_beside_learns_with_the_head_and_faster(made):
    names = {name for name, _ in made.model.named_parameters() if name.startswith("more.")}
    assert names == {"more.start", "more.transition", "more.end"} <= made.model.new_parameters()
    assert {made.model.depths()[name] for name in names} == {0}
    freeze(made.model, resolve({"model.train": "head"}).model)
    assert all(p.requires_grad for p in made.model.head.more.parameters())
    groups = parameter_groups(made.model, dict(made.model.named_parameters()), 2e-4, 0.9)
    assert groups[-1]["lr"] == pytest.approx(0.02) and groups[-1]["weight_decay"] == 0.0 and groups[0]["lr"] == 2e-4
    assert {id(p) for p in groups[-1]["params"]} == {id(p) for p in made.model.head.more.parameters()}
    large = parameter_groups(made.model, dict(made.model.named_parameters()), 0.1, 0.9)
    assert large[-1]["lr"] == 0.1, "a rate that is large already is not raised"


def test_a_run_with_a_chain_predicts_as_it_was_judged(tiny, tmp_path):
    asked = {"data": str(tiny_models.tagged_file(tmp_path / "rows.jsonl")), "model": str(tiny())}
    folder = train(ask(asked, QUICK), tmp_path / "run", teller=Silent())
    card = (folder.model / "README.md").read_text(encoding="utf-8")
    assert "likeliest sequence of tags" in card, "the card says what the plain model lacks"
    assert "more.transition" in checkpoint.read_group(checkpoint.found(folder.checkpoints)[0], "averages")
    run = bertune.load(folder.path)
    tables = saved.load(folder.path).model.head.told()
    assert max(abs(values).max() for values in tables.values()) > 0.01, "the chain learns"
    written = pq.read_table(folder.predictions / "test.parquet").to_pydict()
    found = run.predict(written["text"])
    assert [p.label for p in found] == written["prediction"] and any(written["prediction"])
    for one, sure in zip(found, written["scores"], strict=True):
        assert one.more["scores"] == pytest.approx(sure, abs=1e-5)
