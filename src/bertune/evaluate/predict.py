"""Answers to many rows, in the order of the rows, with no gradient and bounded memory."""

import time
from collections.abc import Callable
from itertools import islice

import numpy as np
import torch

from bertune.base import processes
from bertune.base.types import Answers, Floats
from bertune.data.batches import predicting_batches
from bertune.data.store import TokenStore
from bertune.model.copied_weights import unchanged_weights
from bertune.model.encoder import Model
from bertune.model.packing import to_device
from bertune.model.precision import computing


def predict(
    model: Model,
    store: TokenStore,
    *,
    batch_size: int,
    max_tokens: int,
    precision: str = "fp32",
    device: torch.device | None = None,
    poll: Callable[[], None] = lambda: None,
    most: int | None = None,
) -> Answers:
    """Run a model over a store, or over its first `most` rows; rows of the same tokens are computed once.

    `poll` is called before each portion and may raise to stop. Processes that compute together share the portions,
    and each gets all answers.
    """
    device = device or torch.device("cpu")
    was_training = model.network.training
    model.network.eval()
    started, group = time.perf_counter(), processes.now()
    values: Floats | None = None
    lengths, level = store.lengths[:most], model.head.level
    bounds = store.bounds(level)[: len(lengths) + 1]
    firsts = store.firsts(most)
    asked, again = np.unique(firsts), np.flatnonzero(firsts != np.arange(len(firsts)))
    try:
        with torch.inference_mode(), computing(precision, device), unchanged_weights():
            portions = predicting_batches(lengths[asked], batch_size, max_tokens)
            for places in islice(portions, group.rank, None, group.count):
                if group.count == 1:  # who computes together stops together, elsewhere
                    poll()
                rows = asked[places]
                out = model.answers(to_device(store.batch(rows), device)).cpu().double().numpy()
                if values is None:
                    values = np.zeros((int(bounds[-1]), *out.shape[1:]))
                values[store.items(rows, level)] = out
    finally:
        model.network.train(was_training)
    values = group.added(values)
    if values is None:
        values = np.zeros((0, int(getattr(model.network.config, "num_labels", 1))))
    values[store.items(again, level)] = values[store.items(firsts[again], level)]
    return Answers(values, bounds, time.perf_counter() - started, model.head.told())
