"""Where a model places rows: the mean of an encoder's last hidden states over their tokens."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bertune.base.types import Batch, Floats, Ints
from bertune.data.batches import predicting_batches
from bertune.data.store import TokenStore
from bertune.model.copied_weights import unchanged_weights
from bertune.model.encoder import Model
from bertune.model.packing import moved, pad, portions, real_tokens, to_device
from bertune.model.precision import computing


def mean_states(
    model: Model,
    store: TokenStore,
    rows: Ints,
    *,
    batch_size: int,
    max_tokens: int,
    precision: str = "fp32",
    device: torch.device | None = None,
    poll: Callable[[], None] = lambda: None,
) -> Floats:
    """The mean state [rows, hidden] of each of some rows over all tokens of all its texts; no head is asked.

    `poll` is called before each portion and may raise to stop.
    """
    device = device or torch.device("cpu")
    was_training = model.network.training
    model.network.eval()
    found: Floats | None = None
    try:
        with torch.inference_mode(), computing(precision, device), unchanged_weights():
            for part in predicting_batches(store.lengths[rows], batch_size, max_tokens):
                poll()
                mean = _means(model, to_device(store.batch(rows[part]), device))
                if found is None:
                    found = np.zeros((len(rows), mean.shape[1]))
                found[part] = mean.cpu().numpy()
    finally:
        model.network.train(was_training)
    return found if found is not None else np.zeros((0, 1))


def _means(model: Model, batch: Batch) -> Tensor:
    """Mean of the last hidden states over all tokens of each row: [rows, hidden]."""
    sums = []
    for texts in portions(batch):
        states = model.base(**pad(texts, model.pad_id)).last_hidden_state.float()  # (texts, longest, hidden)
        sums.append((states * real_tokens(texts)[..., None]).sum(1))
    summed, sizes = torch.cat(sums), moved(batch.starts.diff(), batch.ids.device)
    rows = torch.zeros(len(batch.rows), summed.shape[1], device=summed.device).index_add(0, batch.owner, summed)
    tokens = torch.zeros(len(batch.rows), device=summed.device).index_add(0, batch.owner, sizes.float())
    return rows / tokens[:, None]
