"""The Python interface: train, check, load and resume, with rows from files or from memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bertune.base.errors import DataError
from bertune.base.recipe import Recipe
from bertune.base.types import SPLITS, Finding, Table
from bertune.data.frames import table_of
from bertune.data.table import concatenate, read
from bertune.engine.interrupt import Interrupted
from bertune.runs.ask import ask
from bertune.runs.check import check_data
from bertune.runs.command import not_taken, resume_command, start
from bertune.runs.finish import write_parquet
from bertune.runs.folder import fresh
from bertune.runs.run import Prediction, Run, ended
from bertune.runs.search import Hit
from bertune.runs.telling import People, Silent, Teller

__all__ = ["Hit", "Prediction", "Run", "check", "load", "resume", "train"]


def train(
    data: Any = None, *, valid: Any = None, test: Any = None, task: str | None = None, text: str | None = None,
    text_pair: str | None = None, label: str | None = None, model: str | Path | None = None,
    out: str | Path | None = None, seed: int | None = None, settings: Mapping[str, Any] | None = None,
    recipe: str | Path | None = None, language: str | None = None, from_run: Any = None,
    also: Sequence[str | Path] = (), quiet: bool = False,
) -> Run:  # fmt: skip
    """Train, test and report a model; everything that is not given sees to itself.

    `data`, `valid` and `test` are paths, pandas, polars or Arrow frames, dicts of lists, lists of dicts or lists of
    (text, label); rows from memory are written to OUT/data first, so that the run can be resumed and repeated.
    `settings` are recipe settings, {"training.epochs": 2}, over those of the file `recipe`. `out` is a new folder,
    else runs/<name>-<number>. `from_run` is an earlier run, or its folder: its encoder and tokenizer are
    started from, with a fresh head, in place of `model`. `also` are files of data, or recipes, of further tasks that
    are learnt together with this one; their runs are in `Run.also`. `quiet` says nothing on stderr.

    Raises BertuneError for what you can mend (RecipeError with all problems at once, DataError with file and row,
    ModelError) and KeyboardInterrupt after Ctrl-C, when `bertune.resume(out)` goes on.
    """
    sources = {"data": data, "valid": valid, "test": test}
    flags = _flags(task, text, text_pair, label, model, seed, language)
    flags["from_run"] = None if from_run is None else str(getattr(from_run, "path", from_run))
    flags["also"] = [str(path) for path in also] or None
    paths = {name: _path(value) for name, value in sources.items()}
    folder = Path(out) if out is not None else fresh(paths["data"] if data is not None else None)
    not_taken(folder)
    tables = {name: table_of(value) for name, value in sources.items() if value is not None and paths[name] is None}
    places = {name: folder / "data" / f"{'train' if name == 'data' else name}.parquet" for name in tables}
    asked = ask({**flags, **paths, **{k: str(v) for k, v in places.items()}}, settings or {}, _path(recipe))
    for name, table in tables.items():
        _check_rows(table, name)
        write_parquet(places[name], {c: table.columns.column(c) for c in table.names})
    _run(asked, folder, _teller(quiet))
    return Run(folder)


def check(
    data: Any, *, valid: Any = None, test: Any = None, task: str | None = None, text: str | None = None,
    text_pair: str | None = None, label: str | None = None, model: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[Finding]:  # fmt: skip
    """What is wrong with labelled text, before anything is trained on it; takes rows as `train` does.

    Raises BertuneError.
    """
    sources = {"data": data, "valid": valid, "test": test}
    paths = {name: _path(value) for name, value in sources.items()}
    flags = _flags(task, text, text_pair, label, model, None, None)
    recipe = ask({**flags, **paths}, settings or {})
    return check_data(recipe, Silent(), _source(sources, recipe))


def load(path: str | Path) -> Run:
    """The run in a folder. Raises ResumeError when none lies there."""
    return Run(path)


def resume(path: str | Path, *, quiet: bool = False) -> Run:
    """Go on with a run that was stopped or killed, to the same end; a run that is done is given as it is.

    Raises ResumeError when data, recipe, model, versions or machine differ, by name.
    """
    teller = _teller(quiet)
    _interruptible(lambda: resume_command(str(path), teller), Path(path))
    return Run(path)


def _flags(
    task: str | None, text: str | None, text_pair: str | None, label: str | None, model: str | Path | None,
    seed: int | None, language: str | None,
) -> dict[str, Any]:  # fmt: skip
    named = {"task": task, "text": text, "text_pair": text_pair, "label": label, "language": language}
    return {**named, "model": None if model is None else str(model), "seed": seed}


def _path(value: Any) -> str | None:
    return str(value) if isinstance(value, (str, Path)) else None


def _teller(quiet: bool) -> Teller:
    return Silent() if quiet else People()


def _check_rows(table: Table, name: str) -> None:
    if not len(table):
        raise DataError(f"{name} has no rows.", where=table.files[0], expected="at least one row")


def _source(sources: Mapping[str, Any], recipe: Recipe) -> Table | None:
    """One table of all rows where some come from memory; None where all come from files."""
    if all(value is None or _path(value) is not None for value in sources.values()):
        return None
    parts = []
    several = sum(value is not None for value in sources.values()) > 1
    for name, split in zip(sources, SPLITS, strict=True):
        value = sources[name]
        if value is None:
            continue
        given = split if several else None
        if _path(value) is not None:
            parts.append(read(getattr(recipe.data, split), recipe.data, given=given))
            continue
        table = table_of(value)
        _check_rows(table, name)
        number = -1 if given is None else SPLITS.index(given)
        parts.append(replace(table, files=(f"<{name}>",), given=np.full(len(table), number, np.int64)))
    return concatenate(parts) if len(parts) > 1 else parts[0]


def _run(recipe: Recipe, folder: Path, teller: Teller) -> None:
    command = ["bertune", "train", "--recipe", str(folder / "recipe.toml")]
    _interruptible(lambda: start(recipe, folder, teller, resume=False, command=command), folder)


def _interruptible(work: Callable[[], None], folder: Path) -> None:
    """Run something that a signal may end, and end as Python programs do: KeyboardInterrupt, or exit code 3."""
    try:
        work()
    except Interrupted as stop:
        raise ended(stop, f"bertune.resume({str(folder)!r}) goes on from here") from None
