"""An update made of portions is the update of the whole batch."""

import pytest
import torch
import workbench
from workbench import STILL

PLAIN = {"optimizer.name": "sgd", "optimizer.learning_rate": 0.5, "training.averaging": "none", **STILL}
WEIGHTED = {"loss.name": "weighted"}
PORTIONS = [{"training.micro_batch_size": 4}, {"training.micro_batch_size": 3}, {"training.max_tokens": 48}]


@pytest.mark.parametrize("portions", PORTIONS, ids=["4+4", "3+3+2", "48 tokens"])
@pytest.mark.parametrize("loss", [{}, WEIGHTED], ids=["cross-entropy", "weighted"])
def test_portions_give_the_update_of_the_batch(tiny, sentences_csv, portions, loss):
    whole = workbench.bench(tiny(), sentences_csv, {**PLAIN, **loss})
    parts = workbench.bench(tiny(), sentences_csv, {**PLAIN, **loss, **portions})
    assert max(len(parts.feed.portions(rows)) for rows in parts.feed.batches(0)) > 1
    start = whole.weights()
    losses = whole.train(4), parts.train(4)
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)
    assert workbench.furthest(whole.weights(), parts.weights()) < 1e-6
    assert workbench.furthest(whole.weights(), start) > 1e-3, "nothing was learnt, so nothing was shown"


def test_averaging_the_portions_means_would_be_wrong(tiny, sentences_csv):
    """A broken specimen: portions of unequal size, each divided by its own weight, are another update."""
    made = workbench.bench(tiny(), sentences_csv, {**PLAIN, **WEIGHTED, "training.micro_batch_size": 3})
    reference = workbench.bench(tiny(), sentences_csv, {**PLAIN, **WEIGHTED})
    rule = made.learner.step_rule

    def own_mean(model, loss, batch, seed):
        terms = rule(model, loss, batch, seed)
        return type(terms)(terms.values / terms.weights.sum(), terms.weights)

    made.learner.step_rule = own_mean
    made.train(4), reference.train(4)
    assert workbench.furthest(reference.weights(), made.weights()) > 1e-4


def test_the_gradient_is_that_of_torch(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {**PLAIN, "training.clip_norm": 0, "training.micro_batch_size": 3})
    start = made.weights()
    rows = made.feed.batches(0)[0]
    batch = made.feed.store.batch(rows)
    logits = made.model(batch).logits
    torch.nn.functional.cross_entropy(logits, batch.targets).backward()
    gradients = {n: p.grad.clone() for n, p in made.model.network.named_parameters() if p.grad is not None}
    made.learner.warmup = 0
    made.train(1)
    for name, gradient in gradients.items():
        moved = (start[name] - dict(made.model.network.named_parameters())[name].detach()) / 0.5
        torch.testing.assert_close(moved, gradient, rtol=1e-4, atol=1e-6)
