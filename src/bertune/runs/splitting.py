"""Which rows are learnt, which validate and which test: as the files say, completed by the recipe's split."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from bertune.base import registry
from bertune.base.errors import DataError, Problem, RecipeError
from bertune.base.recipe import Recipe
from bertune.base.settings import build
from bertune.base.types import SPLITS, Ints, Splits
from bertune.data.labels import unanswered
from bertune.runs.examples import usable
from bertune.runs.rows import Rows, files_named


def make_splits(recipe: Recipe, rows: Rows) -> Splits:
    """The splits that the files give, completed by those that the recipe's split part makes; labelled rows only.

    Validation or test rows without a label are as if they were not given. Raises DataError where all their labels are
    unknown to the training rows.
    """
    if rows.examples.gold is None:
        raise DataError("there is no label column.", found=rows.roles.why, next_move="name it: --label NAME")
    good = usable(rows.examples) & np.array([value is not None for value in rows.examples.gold], dtype=bool)
    given = rows.table.given
    have = {name: good & (given == i) for i, name in enumerate(SPLITS)}
    base = have["train"] | (good & (given < 0))
    if not base.any():
        raise DataError("no row has both a text and a label.", where=files_named(rows.table.files))
    there = [name for name in ("valid", "test") if (given == SPLITS.index(name)).any()]
    judging = _judging(rows, {name: have[name] for name in there}, base)
    missing = [name for name in ("valid", "test") if name not in judging]
    if not missing:
        return Splits(np.flatnonzero(base), np.flatnonzero(have["valid"]), np.flatnonzero(have["test"]), "as given")
    part = recipe.part("data.split")
    settings = dict(part.settings)
    if "test" not in missing and "test_share" in settings:
        settings["test_share"] = 0.0
    if "valid" not in missing and "valid_share" in settings:
        settings["valid_share"] = 0.0
    positions = np.flatnonzero(base)
    names = _deal(recipe, rows, positions, build(registry.load("splits", part.name), values=settings))
    made = {name: positions[names == name] for name in SPLITS}
    for name in ("valid", "test"):
        if name not in missing:
            made[name] = np.sort(np.concatenate([made[name], np.flatnonzero(have[name])]))
    how = f"{part.name}, seed {recipe.seed}, no duplicate straddles"
    if len(missing) == 1:
        how = f"{missing[0]} {how}; {'test' if missing[0] == 'valid' else 'valid'} as given"
    if unlabelled := [name for name in there if name in missing]:
        how += f"; no label in the {' and '.join(unlabelled)} rows given"
    return Splits(made["train"], made["valid"], made["test"], how)


def _judging(rows: Rows, have: Mapping[str, Any], base: Any) -> list[str]:
    """The splits by whose rows (`have`) a model that learns others (`base`) can be judged."""
    gold, found, classes = rows.examples.gold, list[str](), None
    assert gold is not None
    learned = [gold[i] for i in np.flatnonzero(base).tolist()] if have else []
    for name, mask in have.items():
        told = [gold[i] for i in np.flatnonzero(mask).tolist()]
        if unanswered(told, learned):
            continue
        classes = rows.task.classes(learned) if classes is None else classes
        if not rows.task.known(told, classes).any():
            raise DataError(
                f"no training row has a label of the {name} rows.",
                where=files_named(rows.table.files),
                expected=", ".join(map(repr, classes[:5])) + (f" and {len(classes) - 5:,} more" if classes[5:] else ""),
                found=", ".join(sorted({repr(rows.task.shown(value)) for value in told})[:5]),
                next_move="spell the labels alike in all files",
            )
        found.append(name)
    return found


def _deal(recipe: Recipe, rows: Rows, positions: Ints, part: Any) -> Any:
    gold = rows.examples.gold
    assert gold is not None
    keys = [
        hashlib.blake2b(
            "\x1f".join([rows.texts[i] or "", "" if rows.pairs is None else rows.pairs[i] or ""]).encode(
                "utf-8", "surrogatepass"
            ),
            digest_size=16,
        ).hexdigest()
        for i in positions.tolist()
    ]
    strata = rows.task.strata([gold[i] for i in positions.tolist()])
    kinds = {name: n for n, name in enumerate(sorted(set(strata)))}
    numbers = np.array([kinds[name] for name in strata], dtype=np.int64)
    near = rows.near[positions]
    if part.needs_group and rows.roles.group is None:
        raise RecipeError([Problem("data.group", "the split 'grouped' needs a column: --set data.group=NAME")])
    if rows.roles.group is not None:
        near = _joined(near, [str(v) for v in rows.table.take(positions).values(rows.roles.group)])
    return np.array(part(keys, numbers, near, recipe.seed), dtype=object)


def _joined(near: Ints, column: list[str]) -> Ints:
    """Groups so that rows of one near-duplicate group or one value of a column are together."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    _, one = np.unique(near, return_inverse=True)
    _, two = np.unique(np.array(column), return_inverse=True)
    links = coo_matrix((np.ones(len(one)), (one, two + one.max() + 1)), shape=(one.max() + two.max() + 2,) * 2)
    return np.asarray(connected_components(links, directed=False)[1][one], dtype=np.int64)
