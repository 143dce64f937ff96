"""A tiny model with everything that learns around it, put together as a run does, without the run."""

import copy
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from bertune.engine.devices import compute
from bertune.engine.feed import Feed
from bertune.engine.learner import Learner
from bertune.model.encoder import Model
from bertune.model.real_tokens import RealTokens
from bertune.runs import build
from bertune.runs.ask import ask
from bertune.runs.prepare import Prepared, prepare
from bertune.runs.telling import Silent

STILL = {"model.dropout": 0.0, "model.attention_dropout": 0.0, "model.head_dropout": 0.0}
BASIC = {
    "training.threads": 1,
    "training.precision": "fp32",
    "training.device": "cpu",
    "training.seeds": 1,
    "training.epochs": 2,
    "training.batch_size": 8,
    "optimizer.layer_decay": 1.0,
    "optimizer.learning_rate": 1e-3,
    "model.max_length": 24,
}


@dataclass
class Bench:
    """What a run would have in hand before its first update."""

    recipe: Any
    prepared: Prepared
    stores: build.Stores
    model: Model
    plan: Any
    feed: Feed
    learner: Learner

    def train(self, steps: int, first: int = 0) -> list[float]:
        """Make updates as the loop does; gives their losses."""
        losses = []
        for step in range(first, first + steps):
            epoch, place = divmod(step, self.feed.steps_per_epoch)
            if place == 0 or step == first:
                batches = self.feed.begin(epoch)
            losses.append(self.learner.update(self.feed.portions(batches[place]), step).loss)
        return losses

    def weights(self) -> dict[str, torch.Tensor]:
        """A copy of all weights."""
        return {name: tensor.detach().clone() for name, tensor in self.model.network.state_dict().items()}


def recipe_of(model: Path, data: Path, settings: dict[str, Any] | None = None) -> Any:
    """A recipe for a tiny model: fp32, one thread, batches of 8."""
    return ask({"data": str(data), "model": str(model)}, {**BASIC, **(settings or {})})


def bench(model: Path, data: Path, settings: dict[str, Any] | None = None) -> Bench:
    """A workbench for a model folder and a CSV file."""
    recipe = recipe_of(model, data, settings)
    machine = compute(recipe.training)
    prepared = prepare(recipe, Silent())
    stores = build.stores(prepared, data.parent / "store")
    network = build.network(recipe, prepared, recipe.seed)
    network.network.train()
    plan = build.planned(recipe, network, prepared)
    feed = build.feed_of(recipe, plan, stores.train, network, recipe.seed)
    learner = build.learner_of(recipe, [build.loss_of(recipe, prepared, feed)], plan, network, feed, machine)
    return Bench(recipe, prepared, stores, network, plan, feed, learner)


def padded(network: Any) -> Any:
    """A copy of a network whose encoder has the forward of transformers again."""
    twin = copy.deepcopy(network)
    assert isinstance(twin.base_model.forward, RealTokens)
    del twin.base_model.forward
    return twin


def furthest(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> float:
    """The largest difference between two sets of weights."""
    assert one.keys() == two.keys()
    return max(float((one[name].double() - two[name].double()).abs().max()) for name in one)


def same_bytes(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of weights are the same, bit for bit."""
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


os.environ.setdefault("OMP_NUM_THREADS", "1")
