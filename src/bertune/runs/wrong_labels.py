"""Suspected wrong labels of the training rows: confident learning over cross-validated predictions."""

from typing import Any

import numpy as np

from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Floats, Ints
from bertune.data.store import TokenStore
from bertune.engine.devices import Compute
from bertune.engine.interrupt import Watch
from bertune.evaluate import states
from bertune.evaluate.suspects import out_of_sample, suspects
from bertune.model.encoder import Model
from bertune.runs.build import Stores, network
from bertune.runs.folder import Folder
from bertune.runs.prepare import Prepared

MOST_ROWS = 20_000  # more training rows are sampled, so that the search stays a small part of a run


def write_suspects(
    recipe: Recipe, prepared: Prepared, stores: Stores, folder: Folder, machine: Compute, watch: Watch,
    confidence: Floats | None = None,
) -> None:  # fmt: skip
    """Write suspects.json: training rows whose label their neighbours contradict, the most suspicious first.

    Two judges are cross-validated: a logistic regression on the mean token states of the pretrained encoder, which has
    seen no label of these rows, and one on word counts (Northcutt et al. 2021, confident learning). `confidence`[rows],
    where known, is how probable each label was while the model learnt its row (the first of the store): what is learnt
    late or never is suspect too.
    """
    store = stores.train
    model = network(recipe, prepared, recipe.seed)
    model.to(machine.device)
    rows = len(prepared.splits.train)  # the first of the store; changed copies may come after them
    chosen = np.arange(rows)
    if len(chosen) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(recipe.seed).choice(rows, MOST_ROWS, replace=False))
    features = mean_states(model, store, chosen, recipe, machine, watch)
    groups = prepared.rows.near[prepared.splits.train][chosen]
    targets = store.classes[chosen]
    if np.bincount(targets).max(initial=0) < 5:
        return
    texts, pairs = prepared.texts(prepared.splits.train[chosen])
    probabilities = out_of_sample(features, texts, pairs, targets, len(prepared.classes), recipe.seed, groups)
    entries: list[dict[str, Any]] = []
    for suspect in suspects(probabilities, targets, None if confidence is None else confidence[chosen]):
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
    return states.mean_states(
        model, store, chosen, batch_size=recipe.evaluation.batch_size, max_tokens=recipe.training.max_tokens,
        precision=machine.precision, device=machine.device, poll=watch.poll,
    )  # fmt: skip
