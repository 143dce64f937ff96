"""Logits of many rows, in the order of the rows, with no gradient and bounded memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from bertune.base.types import Floats
from bertune.data.batches import predicting_batches
from bertune.data.store import TokenStore
from bertune.model.encoder import Model
from bertune.model.packing import to_device


@dataclass(frozen=True, eq=False)
class Answers:
    """logits[rows, classes] in row order, and how long they took in seconds."""

    logits: Floats
    seconds: float


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
    """Run a model over a store, or over its first `most` rows. `poll` is called before each portion and may raise to
    stop.
    """
    device = device or torch.device("cpu")
    was_training = model.network.training
    model.network.eval()
    started = time.perf_counter()
    logits: Floats | None = None
    lengths = store.lengths[:most]
    try:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            for rows in predicting_batches(lengths, batch_size, max_tokens):
                poll()
                out = model(to_device(store.batch(rows), device)).logits.cpu().double().numpy()
                if logits is None:
                    logits = np.zeros((len(lengths), out.shape[1]))
                logits[rows] = out
    finally:
        model.network.train(was_training)
    if logits is None:
        logits = np.zeros((0, int(model.network.config.num_labels)))
    return Answers(logits, time.perf_counter() - started)
