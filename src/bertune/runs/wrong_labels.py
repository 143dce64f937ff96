"""Suspected wrong labels of the training rows: confident learning over cross-validated predictions."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Batch, Floats, Ints
from bertune.data.batches import predicting_batches
from bertune.data.store import TokenStore
from bertune.engine.devices import Compute
from bertune.engine.interrupt import Watch
from bertune.evaluate.suspects import cross_validated, suspects
from bertune.model.encoder import Model
from bertune.model.packing import pad, portions, real_tokens, to_device
from bertune.runs.build import Stores, network
from bertune.runs.folder import Folder
from bertune.runs.prepare import Prepared

MOST_ROWS = 20_000  # more training rows are sampled, so that the search stays a small part of a run


def write_suspects(
    recipe: Recipe, prepared: Prepared, stores: Stores, folder: Folder, machine: Compute, watch: Watch
) -> None:
    """Write suspects.json: training rows whose label their neighbours contradict, the most suspicious first.

    The features are the mean token states of the pretrained encoder, which has seen no label of these rows; a
    logistic regression on them is cross-validated (Northcutt et al. 2021, confident learning).
    """
    store = stores.train
    model = network(recipe, prepared, recipe.seed)
    model.network.to(machine.device)
    chosen = np.arange(len(store))
    if len(chosen) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(recipe.seed).choice(len(store), MOST_ROWS, replace=False))
    features = mean_states(model, store, chosen, recipe, machine, watch)
    groups = prepared.rows.near[prepared.splits.train][chosen]
    targets = store.classes[chosen]
    if np.bincount(targets).max(initial=0) < 5:
        return
    probabilities = cross_validated(features, targets, len(prepared.classes), recipe.seed, groups=groups)
    entries: list[dict[str, Any]] = []
    for suspect in suspects(probabilities, targets):
        position = int(prepared.splits.train[chosen[suspect.row]])
        place = prepared.rows.table.place(position)
        entries.append(
            {
                "file": place.file, "row": place.row, "text": prepared.rows.texts[position],
                "given": prepared.classes[suspect.given], "suggested": prepared.classes[suspect.suggested],
                "score": round(float(suspect.score), 6),
            }
        )  # fmt: skip
    FILES.write_json(folder.path / "suspects.json", entries)


def mean_states(
    model: Model, store: TokenStore, chosen: Ints, recipe: Recipe, machine: Compute, watch: Watch
) -> Floats:
    """Mean of the last hidden states over the tokens of each chosen row: [rows, hidden]."""
    model.network.eval()
    features: Floats | None = None
    enabled = machine.precision == "bf16"
    with torch.inference_mode(), torch.autocast(machine.device.type, torch.bfloat16, enabled=enabled):
        limits = recipe.evaluation.batch_size, recipe.training.max_tokens
        for part in predicting_batches(store.lengths[chosen], *limits):
            watch.poll()
            mean = _means(model, to_device(store.batch(chosen[part]), machine.device))
            if features is None:
                features = np.zeros((len(chosen), mean.shape[1]))
            features[part] = mean.cpu().numpy()
    return features if features is not None else np.zeros((0, 1))


def _means(model: Model, batch: Batch) -> Tensor:
    """Mean of the last hidden states over all tokens of each row: [rows, hidden]."""
    sums = []
    for texts in portions(batch):
        states = model.base(**pad(texts, model.pad_id)).last_hidden_state.float()  # (texts, longest, hidden)
        sums.append((states * real_tokens(texts)[..., None]).sum(1))
    summed, sizes = torch.cat(sums), batch.starts[1:] - batch.starts[:-1]
    rows = torch.zeros(len(batch.rows), summed.shape[1], device=summed.device).index_add(0, batch.owner, summed)
    tokens = torch.zeros(len(batch.rows), device=summed.device).index_add(0, batch.owner, sizes.float())
    return rows / tokens[:, None]
