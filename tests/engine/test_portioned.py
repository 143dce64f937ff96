"""A batch that is judged as one gives the same update, in however many portions it is computed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bertune.base import registry
from bertune.base.types import Examples
from bertune.data.batches import micro_batches
from bertune.data.store import in_memory
from bertune.data.tokenizer import TextTokenizer
from bertune.engine.devices import Compute
from bertune.engine.learner import Learner, parameter_groups
from bertune.model.encoder import head_of, load
from bertune.model.packing import joined
from bertune.model.portioned import Portioned

ROWS = 12
WORDS = ["the", "film", "was", "lovely", "and", "very", "dull", "but", "this", "song", "is", "fresh"]


def rows():
    chance = np.random.default_rng(0)
    texts = [[" ".join(chance.choice(WORDS, chance.integers(2, 9))) for _ in range(ROWS)] for _ in range(2)]
    return Examples(*texts, None, {"negatives": [(texts[1][i - 1], "a dull film") for i in range(ROWS)]})


def made(folder, dropout):
    tokenizer = TextTokenizer(folder)
    changes = dict.fromkeys(("dropout", "attention_dropout"), dropout)
    model = load(folder, head_of("sentence_ranking", {}), (), tokenizer.pad_id, 0, changes)
    task = registry.load("tasks", "retrieval")()
    return model, in_memory(task.encode(rows(), (), tokenizer, 32), np.zeros(ROWS, np.int64), "text")


def updated(folder, portions, dropout, step="plain"):
    """Loss and weights after two updates with this many rows a portion."""
    model, store = made(folder, dropout)
    groups = parameter_groups(model, dict(model.network.named_parameters()), 1e-2, 1.0)
    learner = Learner(
        model=model, losses=[registry.load("losses", "cross_entropy")()], step_rule=registry.load("steps", step)(),
        optimizer=torch.optim.SGD(groups, 1e-2), schedule=registry.load("schedules", "constant")(), regularizers=(),
        averages=None, compute=Compute(torch.device("cpu"), "fp32", 1), seed=0, steps=2, warmup=0, clip_norm=0.0,
        started={},
    )  # fmt: skip
    model.network.train()
    told = []
    for number in range(2):
        parts = [store.batch(part) for part in micro_batches(np.arange(ROWS), store.lengths, 10**9, portions)]
        told.append(learner.update(parts, number).loss)
    return told, {name: p.detach().clone() for name, p in model.network.named_parameters()}


@pytest.mark.parametrize("step", ["plain", "r_drop"])
@pytest.mark.parametrize("portions", [1, 5])
def test_portions_do_not_change_the_update(tiny, portions, step):
    whole, parts = updated(tiny(), None, 0.0, step), updated(tiny(), portions, 0.0, step)
    assert parts[0] == pytest.approx(whole[0], abs=1e-5)
    assert max(float((parts[1][n] - whole[1][n]).abs().max()) for n in whole[1]) < 1e-5
    before = {name: p.detach() for name, p in made(tiny(), 0.0)[0].network.named_parameters()}
    assert max(float((whole[1][n] - before[n]).abs().max()) for n in before) > 1e-4


def test_a_loss_within_each_portion_would_be_another(tiny, monkeypatch):
    """The specimen: heads that do not say that they compare rows see the negatives of their portion alone."""
    from bertune.model.heads.sentence_ranking import SentenceRanking

    whole = updated(tiny(), None, 0.0)
    monkeypatch.setattr(SentenceRanking, "compares_rows", False)
    assert abs(updated(tiny(), 3, 0.0)[0][0] - whole[0][0]) > 0.1


def test_the_second_pass_has_the_dropout_of_the_first(tiny):
    model, store = made(tiny(), 0.3)
    model.network.train()
    parts = [store.batch(part) for part in micro_batches(np.arange(ROWS), store.lengths, 10**9, 4)]
    portioned = Portioned(model, parts)

    def gradients(answers):
        torch.manual_seed(5)
        values = answers()
        output = model.head.judged(values, portioned.whole)
        torch.nn.functional.cross_entropy(output, model.head.targets(portioned.whole)).backward()
        found = [p.grad.clone() for p in model.network.parameters() if p.grad is not None]
        model.network.zero_grad(set_to_none=True)
        return values.detach(), found

    kept = gradients(lambda: torch.cat([model.answers(part) for part in parts]))
    again = gradients(lambda: portioned.answers(portioned.whole))
    assert torch.equal(kept[0], again[0])
    assert all(torch.allclose(a, b, atol=1e-7) for a, b in zip(kept[1], again[1], strict=True))
    other = gradients(lambda: torch.cat([model.answers(part) for part in parts[::-1]][::-1]))
    assert not torch.equal(other[0], kept[0]), "dropout is at work"


def test_joined_is_the_batch_of_all_rows(tiny):
    _, store = made(tiny(), 0.0)
    order = np.array([3, 1, 7, 0, 9])
    whole, parts = store.batch(order), joined([store.batch(order[:2]), store.batch(order[2:])])
    for name in ("ids", "starts", "owner", "targets"):
        assert torch.equal(getattr(whole, name), getattr(parts, name)), name
    assert whole.types is None and parts.types is None
    assert whole.rows.tolist() == parts.rows.tolist()


def test_joined_has_segments_and_what_is_known_of_tokens(tiny):
    tokenizer = TextTokenizer(tiny())
    encoded = list(tokenizer.encode(["a film", "the song", "dull"], ["is good", "was", "cold meal"], 32))
    store = in_memory([replace(e, beside={"n": np.arange(len(e.ids))}) for e in encoded], np.arange(3))
    whole, parts = store.batch(np.arange(3)), joined([store.batch(np.array([0])), store.batch(np.array([1, 2]))])
    assert torch.equal(whole.types, parts.types) and torch.equal(whole.beside["n"], parts.beside["n"])
