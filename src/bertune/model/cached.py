"""What does not change while a model learns is computed once: states of a frozen encoder, kept in a table.

Where only the head learns, and reads the first token alone, the last states of the first tokens are kept, and a text
is then a single "token", its number in the table (`FirstTokens`). Where some layers learn, or the head reads all
tokens, the states below the lowest layer that learns are kept, for each token its own (`LowerLayers`). Batches, heads,
losses and the loop stay as they are.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from bertune.base.types import Batch, Ints, Level
from bertune.model.copied_weights import unchanged_weights
from bertune.model.encoder import Model
from bertune.model.packing import packed, pad, to_device
from bertune.model.precision import computing
from bertune.model.real_tokens import first_tokens
from bertune.model.trust import attempted, close

Store = Any  # a TokenStore


class Cache(Protocol):
    """A way to keep states in a table, one an `entry` (text or token), of what `name` says."""

    name: str
    entry: Level

    def numbered(self, store: Store, first: int) -> Store:
        """A store of the same rows that names entries, counted from `first`, in place of tokens.

        Lengths and fingerprint stay, so the order of the rows and the sizes of the portions stay too.
        """

    def states(self, batch: Batch) -> Tensor:
        """The states of the entries of a batch: [entries, hidden]."""

    def named(self, batch: Batch) -> Batch:
        """The batch with the numbers of its entries in place of its tokens."""

    def standing_in(self, table: Tensor) -> AbstractContextManager[None]:
        """Within, the model reads the table; afterwards it is itself again, as it was."""


def cache_of(model: Model, learning: Collection[str], sample: Batch) -> Cache | None:
    """The cache that serves a model of which the parameters of these names learn, None where none does.

    A cache serves where, on `sample` (on the model's device), the model answers with it as without, to 1e-4, in
    evaluation mode and full precision.
    """
    possible: list[Cache] = []
    if not _below_the_head(model) & set(learning):
        possible.append(FirstTokens(model))
    if count := frozen_layers(model, learning):
        possible.append(LowerLayers(model, count))
    was_training = model.network.training
    model.network.eval()
    try:
        return next((cache for cache in possible if attempted(partial(_serves, model, cache, sample))), None)
    finally:
        model.network.train(was_training)


def _serves(model: Model, cache: Cache, sample: Batch) -> bool:
    with torch.no_grad():
        expected = model(sample).logits
        with cache.standing_in(cache.states(sample).float()):
            return close(expected, model(cache.named(sample)).logits)


def _below_the_head(model: Model) -> set[str]:
    """Names of the encoder's parameters, without those of a pooler that stands under a head."""
    inside = {id(p) for p in model.base.parameters()}
    depths = model.depths()
    return {name for name, p in model.named_parameters() if id(p) in inside and depths[name] > 0}


def frozen_layers(model: Model, learning: Collection[str]) -> int:
    """How many layers, from the bottom up, learn nothing; 0 where the embeddings learn."""
    depths = model.depths()
    return max(0, len(model.layers()) - max((depths[name] for name in learning), default=0))


class _Lookup(nn.Module):
    """Stands in for an encoder: `input_ids[texts, 1]` are rows of `table`[texts, hidden].

    `pooler` is the encoder's own where it has one: it belongs to the head and goes on learning.
    """

    def __init__(self, table: Tensor, pooler: nn.Module | None) -> None:
        super().__init__()
        self.table = table  # neither weight nor buffer: it is never saved and never learns
        if pooler is not None:
            self.pooler = pooler

    def forward(self, input_ids: Tensor, *_: Any, **__: Any) -> Any:
        """last_hidden_state[texts, 1, hidden] and, where there is a pooler, pooler_output[texts, hidden]."""
        from transformers.modeling_outputs import BaseModelOutput, BaseModelOutputWithPooling

        states = self.table[input_ids[:, 0]][:, None, :].float()
        pooler = getattr(self, "pooler", None)
        if pooler is None:
            return BaseModelOutput(last_hidden_state=states)
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=pooler(states))


class FirstTokens:
    """The last states of the first tokens: a text is an entry."""

    entry: Level = "text"

    def __init__(self, model: Model) -> None:
        self.model, self.name = model, "the encoder"

    def numbered(self, store: Store, first: int) -> Store:
        """A store of the same rows in which each text is one token: its number."""
        texts = len(store.starts) - 1
        return replace(
            store, ids=np.arange(first, first + texts, dtype=np.int64), types=None, renumber=None,
            starts=np.arange(texts + 1, dtype=np.int64), beside={},
        )  # fmt: skip

    def states(self, batch: Batch) -> Tensor:
        """The encoder's last state of the first token of each text."""
        with first_tokens():
            states: Tensor = self.model.base(**pad(batch, self.model.pad_id)).last_hidden_state
        return states[:, 0]

    def named(self, batch: Batch) -> Batch:
        """The batch with every text replaced by one token: its number in the batch."""
        ids, starts = torch.arange(batch.texts, device=batch.ids.device), torch.arange(batch.texts + 1)
        return replace(batch, ids=ids, starts=starts, types=None, beside={})

    @contextmanager
    def standing_in(self, table: Tensor) -> Iterator[None]:
        """Within, the encoder is the table."""
        network, encoder = self.model.network, self.model.base
        if encoder is network:
            raise TypeError("this architecture keeps encoder and head in one")
        name = str(network.base_model_prefix)
        setattr(network, name, _Lookup(table, getattr(encoder, "pooler", None)).train(network.training))
        try:
            yield
        finally:
            setattr(network, name, encoder)


class _States(nn.Module):
    """Stands in for the embeddings of an encoder: `input_ids` are rows of `table`[tokens, hidden]."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        self.table = table

    def forward(self, input_ids: Tensor, *_: Any, **__: Any) -> Tensor:
        """The states of the tokens: [texts, longest, hidden]."""
        return self.table[input_ids].float()


class LowerLayers:
    """The states after the lowest `count` layers: a token is an entry."""

    entry: Level = "token"

    def __init__(self, model: Model, count: int) -> None:
        layers = model.layers()
        self.model, self.layers, self.count = model, layers, count
        self.name = f"{'the lowest ' if count < len(layers) else 'all '}{count} of {len(layers)} layers"

    def numbered(self, store: Store, first: int) -> Store:
        """A store of the same rows in which each token is its own number."""
        return replace(store, ids=np.arange(first, first + len(store.ids)), types=None, renumber=None)

    def states(self, batch: Batch) -> Tensor:
        """The state of each token after the frozen layers."""
        with self._holding(range(self.count)):
            states: Tensor = self.model.base(**pad(batch, self.model.pad_id)).last_hidden_state
        return packed(states, batch)

    def named(self, batch: Batch) -> Batch:
        """The batch with every token replaced by its number in the batch."""
        return replace(batch, ids=torch.arange(len(batch.ids), device=batch.ids.device), types=None)

    @contextmanager
    def standing_in(self, table: Tensor) -> Iterator[None]:
        """Within, the table stands in for the embeddings, and the encoder has its upper layers alone."""
        base: Any = self.model.base
        kept = {name: getattr(base, name) for name in ("embeddings", "embeddings_project") if hasattr(base, name)}
        with self._holding(range(self.count, len(self.layers))):
            try:
                for name in kept:
                    setattr(base, name, _States(table) if name == "embeddings" else nn.Identity())
                yield
            finally:
                for name, module in kept.items():
                    setattr(base, name, module)

    @contextmanager
    def _holding(self, numbers: range) -> Iterator[None]:
        """Within, the encoder has the layers of these numbers alone, under the names that they have."""
        base = self.model.base
        held = [name for name, module in base.named_modules()
                if isinstance(module, nn.ModuleList) and list(module) == self.layers]  # fmt: skip
        if len(held) != 1:
            raise TypeError("the layers of this architecture do not stand in one list")
        parent, _, own = held[0].rpartition(".")
        place, whole = base.get_submodule(parent), base.get_submodule(held[0])
        setattr(place, own, some := nn.ModuleList())
        for number in numbers:
            some.add_module(str(number), self.layers[number])
        try:
            yield
        finally:
            setattr(place, own, whole)


def fill(
    cache: Cache, model: Model, table: Tensor, batches: Iterator[tuple[Ints, Batch]], precision: str,
    poll: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Put all states into table[entries, hidden]; `batches` gives (entries, batch) until all are there."""
    was_training, device = model.network.training, table.device
    model.network.eval()
    try:
        with torch.no_grad(), computing(precision, device), unchanged_weights():
            for places, batch in batches:
                poll()
                table[torch.as_tensor(places, device=device)] = cache.states(to_device(batch, device)).to(table.dtype)
    finally:
        model.network.train(was_training)
