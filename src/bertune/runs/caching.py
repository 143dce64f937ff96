"""Which states of a run are computed once and kept, and the rows that name them."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np
import torch

from bertune.base.recipe import Recipe
from bertune.base.types import Batch, Ints
from bertune.base.wording import counted
from bertune.data.batches import predicting_batches
from bertune.data.store import TokenStore
from bertune.engine.devices import Compute
from bertune.engine.plan import Plan
from bertune.model.cached import Cache, cache_of, fill, frozen_layers
from bertune.model.encoder import Model
from bertune.model.packing import to_device
from bertune.model.precision import HALVES
from bertune.runs.build import Stores, ever_learning, width_of
from bertune.runs.telling import Teller

MOST_BYTES = 2**30  # of the table; beyond it the frozen layers run each time
LOOKED_AT = 8  # texts, on which it is seen whether a cache serves


@dataclass(frozen=True, eq=False)
class Cached:
    """A table of states[entries, hidden], 0 until it is filled, and the stores of training and validation rows that
    name its entries in place of tokens."""

    model: Model
    cache: Cache
    table: torch.Tensor
    given: Stores
    stores: Stores

    def fill(self, recipe: Recipe, machine: Compute, poll: Callable[[], None]) -> None:
        """Compute the states."""
        batches = self._batches(recipe)
        fill(self.cache, self.model, self.table, batches, machine.precision, poll)

    def standing_in(self) -> AbstractContextManager[None]:
        """Within, the model reads the table."""
        return self.cache.standing_in(self.table)

    def _batches(self, recipe: Recipe) -> Iterator[tuple[Ints, Batch]]:
        first = 0
        for store in _learnt_and_judged(self.given):
            sizes, every = np.diff(store.starts), np.arange(len(store.starts) - 1)
            single = replace(store, owner=every, targets=every, lengths=sizes, level="row", beside={})
            for texts in predicting_batches(sizes, recipe.evaluation.batch_size, recipe.training.max_tokens):
                yield first + single.items(texts, self.cache.entry), single.batch(texts)
            first += _entries(self.cache, store)


def cached(recipe: Recipe, model: Model, plan: Plan, given: Stores, machine: Compute, teller: Teller) -> Cached | None:
    """The table of what a run computes once; None where nothing below what learns is frozen.

    Where something is, but no cache serves or the table would be too large, that is told.
    """
    learning = set(ever_learning(model, recipe, math.ceil(plan.epochs)))
    if recipe.model.train != "head" and not frozen_layers(model, learning):
        return None
    shortest = np.argsort(given.train.lengths, kind="stable")
    sample = given.train.batch(shortest[:: max(1, len(shortest) // LOOKED_AT)][:LOOKED_AT])
    cache = cache_of(model, learning, to_device(sample, machine.device))
    reason = "of this architecture, or of this head, nothing can be kept"
    if cache is not None:
        entries = sum(_entries(cache, store) for store in _learnt_and_judged(given))
        kind = HALVES.get(machine.precision, torch.float32)
        size = entries * width_of(model) * kind.itemsize
        if size <= MOST_BYTES:
            table = torch.zeros(entries, width_of(model), dtype=kind, device=machine.device)
            teller.say(
                "encode", f"{cache.name} computed once for {counted(entries, cache.entry)}: {size / 2**20:.0f} MB kept",
                entries=entries, bytes=size,
            )  # fmt: skip
            return Cached(model, cache, table, given, _numbered(cache, given))
        reason = f"{counted(entries, cache.entry)} are too many to keep"
    teller.warn(f"what is frozen runs in every step: {reason}", code="not_cached")
    return None


def _entries(cache: Cache, store: TokenStore) -> int:
    return int(store.bounds(cache.entry)[-1])


def _learnt_and_judged(given: Stores) -> list[TokenStore]:
    return [store for store in (given.train, given.valid) if store is not None]


def _numbered(cache: Cache, given: Stores) -> Stores:
    train = cache.numbered(given.train, 0)
    valid = None if given.valid is None else cache.numbered(given.valid, _entries(cache, given.train))
    return Stores(train, valid, None)
