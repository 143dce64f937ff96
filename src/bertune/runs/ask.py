"""From a command line (or a call) to a recipe: flags over --set over the recipe file over defaults."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bertune.base.errors import Problem, RecipeError
from bertune.base.recipe import Recipe, parse_assignment, read_toml, resolve

FLAGS = {
    "data": "data.train", "valid": "data.valid", "test": "data.test", "task": "task.name", "text": "data.text",
    "text_pair": "data.text_pair", "label": "data.label", "model": "model.name", "seed": "seed",
    "language": "report.language", "from_run": "model.from_run", "also": "data.also",
}  # fmt: skip
WRITTEN = {"data": "DATA", "from_run": "--from"}  # what else people write than the name of the flag


def ask(
    flags: Mapping[str, Any], settings: Sequence[str] | Mapping[str, Any] = (), recipe_file: str | None = None
) -> Recipe:
    """The checked recipe. Paths become absolute, so that a run can be repeated from anywhere.

    Raises RecipeError with every problem at once, each with where it was written.
    """
    stated: dict[str, Any] = {}
    origin: dict[str, str] = {}
    if recipe_file is not None:
        for key, value in read_toml(Path(recipe_file)).items():
            stated[key], origin[key] = value, recipe_file
    pairs = settings.items() if isinstance(settings, Mapping) else [parse_assignment(text) for text in settings]
    for key, value in pairs:
        stated[key], origin[key] = value, "--set" if not isinstance(settings, Mapping) else "settings"
    for flag, value in flags.items():
        if value is not None:
            key = FLAGS[flag]
            stated[key], origin[key] = value, WRITTEN.get(flag, "--" + flag.replace("_", "-"))
    for key in ("data.train", "data.valid", "data.test", "data.unlabelled", "model.name", "model.from_run"):
        if isinstance(stated.get(key), str):
            stated[key] = _absolute(stated[key], key)
    also = stated.get("data.also")
    if isinstance(also, (list, tuple)):
        stated["data.also"] = [_absolute(path, "data.also") if isinstance(path, str) else path for path in also]
    recipe = resolve(stated, origin)
    if recipe.model.from_run is not None and recipe.model.name != "auto":
        text = f"found {recipe.model.name}, but model.from_run names the model already; leave one out"
        raise RecipeError([Problem("model.name", text, origin.get("model.name", ""))])
    return recipe


def _absolute(value: str, key: str) -> str:
    try:
        if value.startswith("hf:"):
            inside = value.removeprefix("hf:")
            return "hf:" + str(Path(inside).resolve()) if Path(inside).exists() else value
        if key == "model.name":
            return str(Path(value).resolve()) if Path(value).is_dir() else value
        path, mark, sheet = value.partition("#")
        return str(Path(path).expanduser().absolute()) + mark + sheet
    except (OSError, ValueError, RuntimeError):  # no path: too long, a NUL in it, ~ of nobody
        return value
