"""The contract of steps: strength 0 without dropout is the plain step; R-Drop has the paper's divergence."""

import pytest
import torch
import workbench
from torch.nn import functional as F
from workbench import STILL

from bertune.base import registry
from bertune.base.settings import build
from bertune.base.types import Terms

WITHOUT_STRENGTH = {"plain": {}, "r_drop": {"alpha": 0.0}}


def check_step(step, plain, made) -> None:
    """Raises AssertionError unless the step's values, weights and gradient are those of the plain step."""
    batch = made.feed.store.batch(made.feed.batches(0)[0])
    results = []
    for rule in (plain, step):
        made.model.network.zero_grad()
        terms = rule(made.model, made.learner.losses[0], batch, 1)
        assert terms.values.shape == terms.weights.shape == batch.targets.shape, "a step never reduces"
        (terms.values * terms.weights).sum().backward()
        gradient = torch.cat([p.grad.flatten() for p in made.model.network.parameters() if p.grad is not None])
        results.append((terms.values.detach(), terms.weights, gradient))
    for expected, found in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", registry.names("steps"))
def test_no_strength_is_plain(tiny, sentences_csv, name):
    assert name in WITHOUT_STRENGTH, "say with which settings this step is the plain one"
    made = workbench.bench(tiny(), sentences_csv, {**STILL, "loss.name": "weighted"})
    plain = registry.load("steps", "plain")()
    check_step(build(registry.load("steps", name), values=WITHOUT_STRENGTH[name]), plain, made)


def test_the_contract_rejects(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, STILL)
    plain = registry.load("steps", "plain")()

    def summed(model, loss, batch, seed):
        one, two = plain(model, loss, batch, seed), plain(model, loss, batch, seed)
        return Terms(one.values + two.values, one.weights)

    def reduced(model, loss, batch, seed):
        terms = plain(model, loss, batch, seed)
        return Terms(terms.values.mean()[None], terms.weights[:1])

    def without_gradient(model, loss, batch, seed):
        terms = plain(model, loss, batch, seed)
        return Terms(terms.values.detach() + 0 * terms.values, terms.weights)

    for broken in (summed, reduced, without_gradient):
        with pytest.raises(AssertionError):
            check_step(broken, plain, made)


def test_r_drop_is_the_papers_formula(tiny, sentences_csv):
    """Liang et al. 2021, equation 4, with the mean of the two losses."""
    made = workbench.bench(tiny(), sentences_csv, {"model.dropout": 0.3})
    batch = made.feed.store.batch(made.feed.batches(0)[0])
    torch.manual_seed(7)
    terms = build(registry.load("steps", "r_drop"), values={"alpha": 2.5})(made.model, made.learner.losses[0], batch, 1)
    torch.manual_seed(7)
    one, two = made.model(batch).logits, made.model(batch).logits
    assert not torch.equal(one, two), "the two passes have different dropout"
    log_one, log_two = one.log_softmax(-1), two.log_softmax(-1)
    forth = F.kl_div(log_two, log_one, log_target=True, reduction="none").sum(-1)
    back = F.kl_div(log_one, log_two, log_target=True, reduction="none").sum(-1)
    losses = [F.cross_entropy(x, batch.targets, reduction="none") for x in (one, two)]
    expected = (losses[0] + losses[1]) / 2 + 2.5 * (forth + back) / 2
    torch.testing.assert_close(terms.values, expected)
