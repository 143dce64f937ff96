"""The doors: folders whose files are parts, found by name without importing them.

A file `losses/focal.py` holds the class `Focal` and is registered as `focal`. A file may instead hold several
small parts: then it names them in a literal `PARTS = ("sgd", "adam", ...)`, each a top-level function or a class
in CamelCase. Other packages join by an entry point in the group `bertune.<door>`.
"""

import ast
import difflib
import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from bertune.base.errors import BertuneError

LONGEST_NAME = 200  # comparing takes time by the square of the length
ROOT = Path(__file__).resolve().parent.parent

DOORS = {
    "tasks": "tasks",
    "readers": "data/readers",
    "checks": "data/checks",
    "cleaners": "data/cleaners",
    "splits": "data/splits",
    "samplers": "data/samplers",
    "augmenters": "data/augmenters",
    "heads": "model/heads",
    "losses": "losses",
    "optimizers": "optimizers",
    "schedules": "schedules",
    "regularizers": "regularizers",
    "metrics": "metrics",
    "baselines": "evaluate/baselines",
    "details": "evaluate/details",
    "steps": "engine/steps",
    "callbacks": "engine/callbacks",
    "sections": "report/sections",
    "commands": "cli/commands",
}


def _literal(tree: ast.Module, name: str) -> tuple[str, ...] | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return tuple(ast.literal_eval(node.value))
    return None


@cache
def _files(door: str) -> dict[str, tuple[str, Path]]:
    """Name of each part -> (module, file), in the order of the file names."""
    if door not in DOORS:
        raise BertuneError(
            f"there is no kind of part called {door!r}.",
            expected=", ".join(DOORS),
            next_move=f"did you mean {nearest(door, list(DOORS))}?",
        )
    folder = ROOT / DOORS[door]
    found: dict[str, tuple[str, Path]] = {}
    for file in sorted(folder.glob("*.py")):
        if file.stem.startswith("_"):
            continue
        module = "bertune." + DOORS[door].replace("/", ".") + "." + file.stem
        parts = _literal(ast.parse(file.read_text(encoding="utf-8")), "PARTS")
        for name in parts if parts is not None else (file.stem,):
            found[name] = (module, file)
    return found


@cache
def _others(door: str) -> dict[str, EntryPoint]:
    """What other packages bring through a door; looked up once, because that reads the metadata of every package."""
    return {point.name: point for point in _points().select(group=f"bertune.{door}")}


_points = cache(entry_points)


def names(door: str) -> tuple[str, ...]:
    """The registered names behind a door, own files first, then those that other packages bring."""
    own = _files(door)
    return (*own, *sorted(name for name in _others(door) if name not in own))


def camel(name: str) -> str:
    """The class name of a registered name: `label_smoothing` -> `LabelSmoothing`."""
    return "".join(word.capitalize() for word in name.split("_"))


def load(door: str, name: str) -> Any:
    """The part itself: a class, or a function for parts that share a file.

    Raises BertuneError with the nearest name when there is no such part.
    """
    own = _files(door)
    if name in own:
        module = importlib.import_module(own[name][0])
        part = getattr(module, name, None)
        return part if callable(part) else getattr(module, camel(name))
    if name in _others(door):
        return _others(door)[name].load()
    raise BertuneError(
        f"there is no {name!r} among the {door}.",
        expected=", ".join(names(door)),
        next_move=f"did you mean {nearest(name, list(names(door)))}?",
    )


def describe(door: str, name: str) -> str:
    """The first docstring line of a part, read without importing its file."""
    own = _files(door)
    if name not in own:
        return (load(door, name).__doc__ or "").strip().split("\n")[0]
    tree = ast.parse(own[name][1].read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name in (name, camel(name)):
            return (ast.get_docstring(node) or "").split("\n")[0]
    return (ast.get_docstring(tree) or "").split("\n")[0]


def literal(door: str, name: str, attribute: str) -> Any:
    """A literal class attribute of a part, read without importing its file."""
    own = _files(door)
    if name not in own:
        return getattr(load(door, name), attribute)
    for node in ast.walk(ast.parse(own[name][1].read_text(encoding="utf-8"))):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == attribute:
            return ast.literal_eval(node.value) if node.value is not None else None
    raise BertuneError(f"{door} {name} has no literal {attribute}.")


def nearest(name: str, choices: list[str]) -> str:
    """The choice spelt most like `name`; the first one where none is close."""
    close = [] if len(name) > LONGEST_NAME else difflib.get_close_matches(name, choices, n=1, cutoff=0.4)
    return close[0] if close else (choices[0] if choices else "")
