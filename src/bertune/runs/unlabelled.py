"""Rows without labels that a run may learn guesses of: read, and those left out that may not be learnt."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bertune.base.errors import DataError
from bertune.base.recipe import Recipe
from bertune.base.types import Examples, Ints, Roles, Table
from bertune.base.wording import counted
from bertune.data import table as tables
from bertune.data.columns import recognise
from bertune.data.duplicates import groups
from bertune.data.texts import held
from bertune.runs.examples import examples_of, usable
from bertune.runs.prepare import Prepared
from bertune.runs.telling import Teller

_WHY = {
    "no_text": "without a text", "judged": "nearly the same as a validation or test row, or of its group",
    "known": "nearly the same as a training row", "repeated": "nearly the same as one before it",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """The rows that guesses may be learnt of, as the task reads them, with where each came from.

    `left_out` counts the other rows of the file by why they are none; `digest` is that of all its texts.
    """

    table: Table
    examples: Examples
    left_out: Mapping[str, int]
    digest: str

    def __len__(self) -> int:
        return len(self.examples)


def read_unlabelled(recipe: Recipe, prepared: Prepared, teller: Teller) -> Unlabelled | None:
    """The rows of data.unlabelled; None where the recipe names none. A label column in them is not read.

    Left out are rows without a text, rows whose texts are nearly those of a labelled row (so that nothing of the
    validation and test rows is learnt), and repetitions. Raises DataError with file and row.
    """
    path, data = recipe.data.unlabelled, recipe.data
    if path is None:
        return None
    table = tables.read(path, data)
    roles = _roles(table, prepared.rows.roles, path)
    fill = data.fill if data.missing == "fill" else None
    examples = examples_of(prepared.rows.task, table, roles, data.cleaning, fill, held)
    why = _left_out(prepared, table, examples)
    kept = np.flatnonzero(why == "")
    left_out = {reason: int((why == reason).sum()) for reason in _WHY if (why == reason).any()}
    digest = tables.digest(table, roles.columns())
    teller.say("guess", f"{counted(len(kept), 'unlabelled row')} of {len(table):,}", rows=len(kept), left_out=left_out)
    for reason, count in left_out.items():
        teller.warn(f"{counted(count, 'unlabelled row')} left out: {_WHY[reason]}", reason=reason, count=count)
    if not len(kept):
        raise DataError(
            "no unlabelled row is left to learn from.", where=path, expected="texts unlike the labelled rows",
            found=", ".join(f"{n:,} {_WHY[r]}" for r, n in left_out.items()) or "no rows",
            next_move="give another file, or leave data.unlabelled out",
        )  # fmt: skip
    return Unlabelled(table.take(kept), examples.take(kept), left_out, digest)


def _roles(table: Table, trained: Roles, path: str) -> Roles:
    """The columns of the texts: those of training where they are there, else recognised."""
    named = (trained.text, trained.text_pair)
    if all(name in table.names for name in named if name is not None):
        return Roles(*named)
    found = recognise(table, None, None, None, None, need_label=False)
    if (found.text_pair is None) != (trained.text_pair is None):
        raise DataError(
            "the unlabelled rows do not have the texts of the training rows.", where=path,
            expected=" and ".join(repr(name) for name in named if name is not None),
            found=", ".join(table.names[:20]), next_move="name the columns as in the training rows",
        )  # fmt: skip
    return Roles(found.text, found.text_pair)


def _left_out(prepared: Prepared, table: Table, examples: Examples) -> NDArray[np.str_]:
    """Why each row is left out; "" where it is not."""
    rows, splits = prepared.rows, prepared.splits
    own = len(rows.texts)
    pairs = None
    if rows.pairs is not None and examples.pairs is not None:
        pairs = held(chain(rows.pairs, examples.pairs))
    _, near = groups(held(chain(rows.texts, examples.texts)), pairs)
    judged = np.concatenate([splits.valid, splits.test, np.flatnonzero(rows.table.given > 0)])
    why = np.full(len(examples), "", dtype="<U8")
    _, first = np.unique(near[own:], return_index=True)
    repeated = np.ones(len(examples), dtype=bool)
    repeated[first] = False
    why[repeated] = "repeated"
    why[np.isin(near[own:], near[splits.train])] = "known"
    why[np.isin(near[own:], near[judged])] = "judged"
    why[np.fromiter(_of_groups(prepared, table, judged), bool, len(examples))] = "judged"
    why[~usable(examples)] = "no_text"
    return why


def _of_groups(prepared: Prepared, table: Table, judged: Ints) -> Iterator[bool]:
    """Whether each row is of a group (data.group) that validation or test rows are of."""
    rows, column = prepared.rows, prepared.rows.roles.group
    if column is None or column not in table.names:
        yield from (False for _ in range(len(table)))
        return
    theirs = {str(value) for value in rows.table.take(judged).values(column)}
    yield from (str(value) in theirs for value in table.values(column))
