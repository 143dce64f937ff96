"""Head-only training on stored encoder outputs: the frozen encoder runs once over each text.

While only the head learns, the encoder gives the same answer at every epoch. So its outputs for the first token are
kept in a table, and a stand-in that looks them up takes the encoder's place: a text is then a single "token", its
number in the table. Batches, head, loss and loop stay as they are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bertune.base.types import Batch
from bertune.model.copied_weights import unchanged_weights
from bertune.model.encoder import Model
from bertune.model.packing import pad, to_device
from bertune.model.real_tokens import attempted, close, first_tokens

MOST_BYTES = 2**30  # of the table; beyond it the encoder runs each time


class Lookup(nn.Module):
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

        states = self.table[input_ids[:, 0]][:, None, :]
        pooler = getattr(self, "pooler", None)
        if pooler is None:
            return BaseModelOutput(last_hidden_state=states)
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=pooler(states))


def why_not(model: Model, sample: Batch) -> str | None:
    """Why the encoder of a model cannot be run once for all; None where it can.

    It can when no parameter below the head learns, and when the head reads nothing but the first token: shown on
    `sample` (on the model's device) by equal logits, to 1e-4, in evaluation mode and full precision.
    """
    pooler = {id(p) for p in _pooler_parameters(model)}
    if model.base is model.network:
        return "this architecture keeps encoder and head in one"
    if any(p.requires_grad and id(p) not in pooler for p in model.base.parameters()):
        return "the encoder learns"
    if getattr(model.network.config, "problem_type", None) == "multi_label_classification":
        return "this head reads more than the first token"
    was_training = model.network.training
    model.network.eval()
    try:
        return None if attempted(lambda: _table_does(model, sample)) else "this head reads more than the first token"
    finally:
        model.network.train(was_training)


def _table_does(model: Model, sample: Batch) -> bool:
    """Whether the model answers the same from a table of the first tokens' states."""
    with torch.no_grad():
        expected = model(sample).logits
        with standing_in(model, first_states(model, sample)):
            return close(expected, model(numbered(sample)).logits)


def _pooler_parameters(model: Model) -> Iterator[nn.Parameter]:
    pooler = getattr(model.base, "pooler", None)
    if isinstance(pooler, nn.Module):
        yield from pooler.parameters()


def numbered(batch: Batch) -> Batch:
    """The batch with every text replaced by one token: its number in the batch."""
    texts = torch.arange(batch.texts + 1, device=batch.ids.device)
    return replace(batch, ids=texts[:-1], starts=texts, types=None, beside={})


def first_states(model: Model, batch: Batch) -> Tensor:
    """The encoder's last hidden state of the first token of each text: [texts, hidden] in float32."""
    with first_tokens():
        states: Tensor = model.base(**pad(batch, model.pad_id)).last_hidden_state
    return states[:, 0].float()


def encode_once(
    model: Model, batches: Iterator[tuple[Any, Batch]], texts: int, device: torch.device, bf16: bool,
    poll: Callable[[], None] = lambda: None,
) -> Tensor:  # fmt: skip
    """The table [texts, hidden] on `device`: `batches` gives (numbers of the texts, batch) until all are there."""
    was_training = model.network.training
    model.network.eval()
    table: Tensor | None = None
    try:
        half = torch.autocast(device.type, torch.bfloat16, enabled=bf16)
        with torch.no_grad(), half, unchanged_weights():
            for numbers, batch in batches:
                poll()
                states = first_states(model, to_device(batch, device))
                if table is None:
                    table = torch.zeros(texts, states.shape[1], device=device)
                table[torch.as_tensor(numbers, device=device)] = states
    finally:
        model.network.train(was_training)
    return table if table is not None else torch.zeros(0, 1, device=device)


def renumbered(store: Any, first: int) -> Any:
    """A token store of the same rows in which each text is one token: its number in the table, counted from `first`.

    Lengths and fingerprint stay, so the order of the rows and the sizes of the portions stay too.
    """
    texts = len(store.starts) - 1
    return replace(
        store,
        ids=np.arange(first, first + texts, dtype=np.int64),
        types=None,
        starts=np.arange(texts + 1, dtype=np.int64),
        beside={},
    )


@contextmanager
def standing_in(model: Model, table: Tensor) -> Iterator[None]:
    """Within, the encoder is the table; afterwards it is itself again, as it was."""
    name, encoder = str(model.network.base_model_prefix), model.base
    stand_in = Lookup(table, getattr(encoder, "pooler", None))
    setattr(model.network, name, stand_in.train(model.network.training))
    try:
        yield
    finally:
        setattr(model.network, name, encoder)
