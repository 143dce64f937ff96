"""The labelled rows of all files: read, cleaned, as the task reads them, with their groups of duplicates."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from bertune.base import registry
from bertune.base.errors import DataError, Problem, RecipeError
from bertune.base.recipe import Recipe
from bertune.base.settings import build
from bertune.base.types import Examples, Finding, Ints, Roles, Table
from bertune.data import table as tables
from bertune.data.augment import Copies
from bertune.data.duplicates import groups
from bertune.data.languages import language_of_texts
from bertune.data.texts import held
from bertune.runs.examples import examples_of, task_and_roles
from bertune.runs.fitting import check_metric
from bertune.runs.parts import columns_there
from bertune.runs.telling import Teller

SAMPLE = 2000  # rows looked at to tell the language


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of all files with their roles, as the task reads them; texts are cleaned, None where missing."""

    table: Table
    roles: Roles
    task: Any
    examples: Examples
    exact: Ints
    near: Ints
    language: str
    digest: str
    settings: Mapping[str, Any]
    noticed: Sequence[Finding] = ()

    @property
    def texts(self) -> Sequence[str | None]:
        """The texts of all rows."""
        return self.examples.texts

    @property
    def pairs(self) -> Sequence[str | None] | None:
        """The second texts of all rows, where the task reads two."""
        return self.examples.pairs

    @property
    def labels(self) -> list[str | None] | None:
        """What is to be found in each row, as a text; None where missing."""
        if self.examples.gold is None:
            return None
        return [None if value is None else self.task.shown(value) for value in self.examples.gold]


def read_rows(recipe: Recipe, teller: Teller, source: Table | None = None, need_label: bool = True) -> Rows:
    """Read and clean every file that the recipe names, find the columns and the groups of duplicates.

    Where no label is needed, a column that is not found is told and done without.
    """
    data = recipe.data
    table = source if source is not None else _read_files(recipe)
    if not len(table):
        raise DataError("there are no rows.", where=", ".join(table.files), expected="a header and at least one row")
    part = recipe.part("task")
    asked = {"text": data.text, "text_pair": data.text_pair, "label": data.label, "group": data.group}
    try:
        task, roles = task_and_roles(part.name, dict(part.settings), table, asked)
    except DataError as error:
        if need_label:
            raise
        task, roles = task_and_roles(part.name, dict(part.settings), table, asked, need_label=False)
        teller.warn(error.message)
    if not task.cleans and data.cleaning:
        text = f"{task.name} counts places in the text, so texts stay as they are; leave it out"
        raise RecipeError([Problem("data.cleaning", text)])
    if recipe.evaluation.metric != "auto":
        check_metric(recipe.evaluation.metric, task.kind, task.name, "evaluation.metric")
    copies_of(recipe, task)
    if recipe.data.unlabelled is not None and not task.guessed:
        fitting = ", ".join(n for n in registry.names("tasks") if registry.load("tasks", n).guessed)
        text = f"guesses of {task.name} cannot be learnt; tasks that can: {fitting}"
        raise RecipeError([Problem("data.unlabelled", text)])
    columns_there(table, recipe.evaluation.slices, "evaluation.slices: ")
    facts = " · ".join(v for k, v in table.facts.items() if k in ("format", "encoding", "delimiter", "header"))
    teller.say("data", f"{files_named(table.files)} · {len(table):,} rows" + (f" · {facts}" if facts else ""))
    examples = _examples(recipe, task, table, roles)
    settings, noticed = {**part.settings, **task.decided(examples)}, task.findings(table, roles)  # as read just now
    task = build(type(task), values=settings)
    exact, near = groups(examples.texts, examples.pairs)
    language = language_of_texts([t for t in islice(examples.texts, SAMPLE) if t])
    columns = list(dict.fromkeys([*roles.columns(), *([roles.group] if roles.group else []),
                                  *recipe.evaluation.slices]))  # fmt: skip
    digest = hashlib.sha256(
        (tables.digest(table, columns) + "|" + ",".join(map(str, np.bincount(table.given + 1, minlength=4)))).encode()
    ).hexdigest()
    return Rows(table, roles, task, examples, exact, near, language, digest, settings, noticed)


def _examples(recipe: Recipe, task: Any, table: Table, roles: Roles) -> Examples:
    """The rows as the task reads them; many texts lie on disk."""
    data = recipe.data
    fill = data.fill if data.missing == "fill" else None
    found = examples_of(task, table, roles, data.cleaning, fill, held)
    if kind_of(task) != "class":
        asked = {"data.no_label": data.no_label, "data.label_spelling": data.label_spelling == "merge"}
        problems = [Problem(key, f"{task.name} has no single label a row") for key, value in asked.items() if value]
        if problems:
            raise RecipeError(problems)
    elif found.gold is not None:
        gold = [None if label in data.no_label else label for label in found.gold] if data.no_label else found.gold
        return replace(found, gold=merge_spellings(gold) if data.label_spelling == "merge" else gold)
    return found


def files_named(files: Sequence[str]) -> str:
    """The first files by name, and how many more there are."""
    shown = [Path(f).name or f for f in files[:3]]
    return ", ".join(shown) + (f" and {len(files) - 3:,} more" if len(files) > 3 else "")


def _read_files(recipe: Recipe) -> Table:
    data = recipe.data
    if data.train is None:
        raise RecipeError([Problem("data.train", "names no data", "give a file: bertune train DATA")])
    parts = [tables.read(data.train, data, given="train" if data.valid or data.test else None)]
    for name in ("valid", "test"):
        path = getattr(data, name)
        if path is not None:
            parts.append(tables.read(path, data, given=name))
    return tables.concatenate(parts) if len(parts) > 1 else parts[0]


def merge_spellings(labels: Sequence[str | None]) -> list[str | None]:
    """Labels that differ only in case and outer spaces become the commonest of their spellings."""
    counts: dict[str, dict[str, int]] = {}
    for label in labels:
        if label is not None:
            spellings = counts.setdefault(label.strip().casefold(), {})
            spellings[label] = spellings.get(label, 0) + 1
    best = {key: max(sorted(spellings), key=lambda s: spellings[s]) for key, spellings in counts.items()}
    return [None if label is None else best[label.strip().casefold()] for label in labels]


def copies_of(recipe: Recipe, task: Any) -> Copies | None:
    """The copies of training rows that the recipe asks for. Raises RecipeError where the task cannot have them."""
    part = recipe.part("data.augment")
    if part.name == "none":
        return None
    if not (task.edits or registry.load("augmenters", part.name).keeps_places):
        fitting = [n for n in registry.names("augmenters") if registry.load("augmenters", n).keeps_places]
        text = f"{part.name} changes texts, and what {task.name} looks for lies in them; "
        raise RecipeError([Problem("data.augment.name", text + f"expected {' or '.join(fitting)}, or none")])
    return Copies(part.name, part.shared.copies, recipe.seed, part.settings)


def kind_of(task: Any) -> str:
    """What checks of labels may think that labels are: classes only where classes are learnt, one a row."""
    return str(task.kind if task.loss_kind == "class" else task.loss_kind)
