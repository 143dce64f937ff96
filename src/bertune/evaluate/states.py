"""Where a model places rows: the mean of an encoder's last hidden states over their tokens."""

from collections.abc import Callable

import numpy as np
import torch

from bertune.base.types import Floats, Ints
from bertune.data.batches import predicting_batches
from bertune.data.store import TokenStore
from bertune.model.encoder import Model
from bertune.model.packing import pad, real_tokens, to_device


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
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            for part in predicting_batches(store.lengths[rows], batch_size, max_tokens):
                poll()
                batch = to_device(store.batch(rows[part]), device)
                states = model.base(**pad(batch, model.pad_id)).last_hidden_state.float()  # (texts, longest, hidden)
                real = real_tokens(batch)
                summed = torch.zeros(len(part), states.shape[2], device=device)
                summed.index_add_(0, batch.owner, (states * real[..., None]).sum(1))
                tokens = torch.zeros(len(part), device=device).index_add_(0, batch.owner, real.sum(1).float())
                if found is None:
                    found = np.zeros((len(rows), states.shape[2]))
                found[part] = (summed / tokens[:, None]).cpu().numpy()
    finally:
        model.network.train(was_training)
    return found if found is not None else np.zeros((0, 1))
