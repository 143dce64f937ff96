"""Puts a model, its optimizer and the batches of a run together."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bertune.base import registry
from bertune.base.errors import Problem, RecipeError
from bertune.base.recipe import Recipe
from bertune.base.settings import build as build_part
from bertune.base.settings import schema
from bertune.base.types import Examples
from bertune.data.augment import Copies
from bertune.data.store import TokenStore, is_current
from bertune.data.store import read as read_store
from bertune.data.store import write as write_store
from bertune.data.tokenizer import Encoded
from bertune.engine.averaging import Averages
from bertune.engine.devices import Compute
from bertune.engine.feed import Batches, Feed
from bertune.engine.learner import Learner, parameter_groups
from bertune.engine.mixed_feed import MixedFeed
from bertune.engine.plan import Facts, Plan, plan
from bertune.model.encoder import Model, head_of, load
from bertune.model.freezing import deepest_learning, freeze, reinitialize
from bertune.model.lora import adapt
from bertune.model.real_tokens import recompute_layers
from bertune.model.used_rows import UsedRows, used_rows
from bertune.runs.prepare import Prepared


@dataclass(frozen=True, eq=False)
class Stores:
    """The token stores of the splits that have rows."""

    train: TokenStore
    valid: TokenStore | None
    test: TokenStore | None


def stores(prepared: Prepared, folder: Path) -> Stores:
    """Encode every split into the run folder, or open what an earlier start of this run encoded there."""
    made: dict[str, TokenStore] = {}
    for name, positions in prepared.splits.named():
        task = prepared.rows.task
        parts = [prepared.rows.digest, prepared.tokenizer.fingerprint(), str(prepared.max_length), name, task.name]
        if own := own_settings(task, prepared.rows.settings):
            parts.append(json.dumps(own, sort_keys=True))
        key = "-".join([*parts, *prepared.classes, _digest(positions), _digest(prepared.targets[positions])])
        targets = prepared.targets[positions]
        if name == "train":
            made[name] = training_store(prepared, prepared.examples(name), targets, key, folder / name)
        elif is_current(folder / name, key):
            made[name] = read_store(folder / name, key)
        else:
            texts = encoded(prepared, prepared.examples(name))
            made[name] = write_store(folder / name, texts, targets, key, task.level)
    return Stores(made["train"], made.get("valid"), made.get("test"))


def own_settings(task: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a task was told, or decided by itself, where it is not the default: the same however it was said."""
    kind: Any = type(task)
    known = schema(kind).model_fields
    return {name: value for name, value in settings.items() if value != known[name].default}


def training_store(prepared: Prepared, examples: Examples, targets: NDArray[Any], key: str, place: Path) -> TokenStore:
    """Encode rows to learn from, and after them their changed copies; or open what was encoded so before.

    `key` stands for everything that decides the rows.
    """
    copies = prepared.copies
    if copies is not None:
        key, targets = f"{key}-{copies.key}", np.concatenate([targets] * (1 + copies.number))
    if is_current(place, key):
        return read_store(place, key)
    parts = encoded(prepared, examples) if copies is None else _with_copies(prepared, examples, copies)
    return write_store(place, parts, targets, key, prepared.rows.task.level)


def encoded(prepared: Prepared, examples: Examples) -> Iterator[Encoded]:
    """The token ids of rows, as all rows of the run are read."""
    task = prepared.rows.task
    yield from task.encode(examples, prepared.classes, prepared.tokenizer, prepared.max_length)


def _with_copies(prepared: Prepared, examples: Examples, copies: Copies) -> Iterator[Encoded]:
    yield from encoded(prepared, examples)
    part = copies.augmenter(examples)
    for copy in range(1, copies.number + 1):
        changed = encoded(prepared, copies.rows(part, examples, copy))
        yield from copies.tokens(part, changed, prepared.tokenizer, copy, len(examples))


def _digest(values: NDArray[Any]) -> str:
    import hashlib

    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()[:16]


def network(recipe: Recipe, prepared: Prepared, seed: int, vocabulary: int = 0) -> Model:
    """The pretrained model with a fresh head and the recipe's changes to it, its table of embeddings with a row for
    each token of its own tokenizer and `vocabulary` rows at least."""
    settings = recipe.model
    names = ("dropout", "attention_dropout", "head_dropout")
    changes = {name: getattr(settings, name) for name in names if getattr(settings, name) != "auto"}
    task = prepared.rows.task
    changes["problem_type"] = task.problem
    tokenizer = prepared.tokenizer
    model = load(
        prepared.chosen.folder, head_of(task.head, task.answering), prepared.classes, tokenizer.pad_id, seed, changes,
        max(tokenizer.vocabulary, vocabulary), settings.from_run is not None,
    )  # fmt: skip
    reinitialize(model, settings.reinitialize_top, seed)
    if settings.train == "lora":
        adapt(model, settings, seed)
    if recipe.training.gradient_checkpointing:
        recompute_layers(model.network)
    freeze(model, settings)
    return model


def facts_of(model: Model, prepared: Prepared) -> Facts:
    """What the rule of the defaults looks at."""
    return Facts(len(prepared.splits.train), len(prepared.classes), width_of(model), len(model.layers()),
                 prepared.rows.pairs is not None, len(prepared.splits.valid),
                 0 if prepared.copies is None else prepared.copies.number)  # fmt: skip


def width_of(model: Model) -> int:
    """The size of the encoder's hidden states."""
    config = model.network.config
    return int(getattr(config, "hidden_size", 0) or getattr(config, "dim", 768))


def planned(recipe: Recipe, model: Model, prepared: Prepared) -> Plan:
    """The plan of a run: the recipe's numbers, and the rule's where it says auto."""
    return plan(recipe, facts_of(model, prepared))


def small_table(recipe: Recipe, model: Model, given: Sequence[Stores]) -> tuple[UsedRows | None, list[Stores]]:
    """The rows of the embedding table that the tasks of a run use, taken out, and their stores of training and
    validation rows that number them so; None and the same stores where the table stays whole.

    It does with regularizers, which move rows without a gradient too.
    """
    splits = [s for one in given for s in (one.train, one.valid) if s is not None]
    small = None if recipe.regularizers else used_rows(model, [s.ids for s in splits])
    if small is None:
        return None, list(given)
    small.take_out()
    small_stores = []
    for one in given:
        valid = None if one.valid is None else replace(one.valid, renumber=small.renumber)
        small_stores.append(Stores(replace(one.train, renumber=small.renumber), valid, one.test))
    return small, small_stores


def feed_of(recipe: Recipe, the_plan: Plan, store: TokenStore, model: Model, seed: int) -> Feed:
    """The batches of a run; as an epoch begins, what learns in it is set."""
    training, part = recipe.training, recipe.part("training.sampler")
    if part.name != "every_row" and not store.classes.any():
        raise RecipeError([Problem("training.sampler.name", f"{part.name} deals by classes; these rows have none")])
    most = None if training.micro_batch_size == "auto" else training.micro_batch_size
    return Feed(
        store,
        build_part(registry.load("samplers", part.name), values=dict(part.settings)),
        batch_size=the_plan.batch_size,
        max_tokens=training.max_tokens,
        most_rows=most,
        seed=seed,
        grouped=training.group_by_length,
        on_epoch=lambda epoch: _set_free(model, recipe, epoch),
    )


def mixed(recipe: Recipe, feeds: Sequence[Feed], seed: int) -> Batches:
    """The batches of all tasks of a run in turn; of one task its own."""
    return feeds[0] if len(feeds) == 1 else MixedFeed(feeds, recipe.training.temperature, seed)


def _set_free(model: Model, recipe: Recipe, epoch: int) -> None:
    if recipe.model.unfreeze_per_epoch:
        freeze(model, recipe.model, epoch)


def learner_of(
    recipe: Recipe, losses: Sequence[Any], the_plan: Plan, model: Model, feed: Batches, compute: Compute
) -> Learner:
    """Everything that learns: losses, one a task, optimizer, schedule, regularizers, averages."""
    parameters = ever_learning(model, recipe, math.ceil(the_plan.epochs))
    rate = the_plan.learning_rate
    groups = parameter_groups(model, parameters, rate, the_plan.layer_decay)
    optimizer = recipe.part("optimizer")
    steps = max(1, round(the_plan.epochs * feed.steps_per_epoch))
    regularizers = [
        build_part(registry.load("regularizers", p.name), values=dict(p.settings)) for p in recipe.regularizers
    ]
    new = model.new_parameters()
    started = {n: p.detach().clone() for n, p in parameters.items() if n not in new} if regularizers else {}
    span = max(2.0, recipe.training.averaging_share * steps)
    return Learner(
        model=model,
        losses=losses,
        step_rule=_part(recipe, "training.step", "steps"),
        optimizer=registry.load("optimizers", optimizer.name)(groups, rate, **optimizer.settings),
        schedule=_part(recipe, "schedule", "schedules"),
        regularizers=regularizers,
        averages=Averages(parameters, span) if the_plan.averaging == "ema" else None,
        compute=compute,
        seed=recipe.seed,
        steps=steps,
        warmup=round(the_plan.warmup * steps),
        clip_norm=recipe.training.clip_norm,
        started=started,
    )


def loss_name(recipe: Recipe, prepared: Prepared) -> str:
    """The recipe's loss, or the task's own. Raises RecipeError for a loss of another kind of task."""
    task, name = prepared.rows.task, recipe.part("loss").name
    if name == "auto":
        return str(task.default_loss)
    if task.loss_kind not in registry.load("losses", name).kinds:
        fitting = [n for n in registry.names("losses") if task.loss_kind in registry.load("losses", n).kinds]
        text = f"{name} does not fit the task {task.name}; expected one of {', '.join(fitting)}"
        raise RecipeError([Problem("loss.name", text)])
    return name


def loss_of(recipe: Recipe, prepared: Prepared, feed: Feed) -> Any:
    """The loss, fitted on the training targets."""
    kind = registry.load("losses", loss_name(recipe, prepared))
    loss = build_part(kind, values=dict(recipe.part("loss").settings))
    loss.fit(torch.from_numpy(np.asarray(feed.store.targets)), max(1, len(prepared.classes)))
    return loss


def _part(recipe: Recipe, slot: str, door: str) -> Any:
    part = recipe.part(slot)
    return build_part(registry.load(door, part.name), values=dict(part.settings))


def ever_learning(model: Model, recipe: Recipe, epochs: int) -> dict[str, torch.nn.Parameter]:
    """The parameters that learn in some epoch, though perhaps not in the first."""
    deepest = [deepest_learning(recipe.model, len(model.layers()), e) for e in range(epochs)]
    for task in model.tasks:
        _set_free(task, recipe, int(np.argmax(deepest)))
    chosen = {name: p for name, p in model.named_parameters() if p.requires_grad}
    for task in model.tasks:
        _set_free(task, recipe, 0)
    return chosen
