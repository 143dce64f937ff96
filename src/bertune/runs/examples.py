"""Rows of a table as a task reads them, treated alike before training and ever after."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.settings import build
from bertune.base.types import Examples, Roles, Table
from bertune.data.clean import clean_column
from bertune.data.columns import recognise
from bertune.tasks._task import Asked

Keep = Callable[[Iterable[str | None]], Sequence[str | None]]


def task_and_roles(
    name: str, settings: dict[str, Any], table: Table, asked: Asked, need_label: bool = True
) -> tuple[Any, Roles]:
    """The task, named or recognised from the columns (`auto`), and which column plays which part.

    Raises DataError where the columns fit no task, or not the one that is named.
    """
    names = registry.names("tasks") if name == "auto" else (name,)
    kinds = [kind for one in names if (kind := registry.load("tasks", one)).found or name != "auto"]
    for kind in sorted(kinds, key=lambda one: one.modest):
        roles = kind.claims(table, asked, need_label)
        if roles is not None:
            return build(kind, values=settings), roles
    roles = recognise(
        table, asked.get("text"), asked.get("text_pair"), asked.get("label"), asked.get("group"), need_label=need_label
    )
    for kind in kinds:
        if kind.fits(table, roles) if name != "auto" else kind.recognise(table, roles):
            return build(kind, values=settings), roles
    if name == "auto":
        raise DataError("no task fits these columns.", found=roles.why, next_move="--task NAME; see bertune tasks")
    raise DataError(
        f"these columns do not fit the task {name}.", where=table.files[0], expected=", ".join(kinds[0].columns),
        found=roles.why or str(roles), next_move="--text, --text-pair and --label name the columns",
    )  # fmt: skip


def examples_of(
    task: Any, table: Table, roles: Roles, cleaning: Sequence[str] = (), fill: str | None = None, keep: Keep = list
) -> Examples:
    """The rows as a task reads them: texts cleaned, missing ones replaced by `fill` where that is given.

    `keep` holds the texts as they come by.
    """
    table = _with_columns(table, roles)
    texts = keep(treated(task.texts(table, roles), cleaning, fill))
    seconds = task.pairs(table, roles)
    pairs = None if seconds is None else keep(treated(seconds, cleaning, fill))
    gold = None if roles.label is None else task.gold(table, roles)
    return Examples(texts, pairs, gold, task.more(table, roles))


def treated(texts: Iterable[str | None], cleaning: Sequence[str], fill: str | None) -> Iterator[str | None]:
    """Texts after cleaning; missing ones are `fill` where that is given."""
    return (fill if value is None else value for value in clean_column(texts, cleaning))


def _with_columns(table: Table, roles: Roles) -> Table:
    """The table with a column of nothing for each that it lacks, as a later portion of JSON Lines may."""
    for name in roles.columns():
        if name not in table.names:
            table = table.with_column(name, pa.nulls(len(table)))
    return table


def usable(examples: Examples) -> NDArray[np.bool_]:
    """Which rows have all their texts."""
    good = np.fromiter((text is not None for text in examples.texts), bool, len(examples))
    if examples.pairs is not None:
        good &= np.fromiter((pair is not None for pair in examples.pairs), bool, len(examples))
    return good
