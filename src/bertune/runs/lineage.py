"""Which model a run starts from: one that is at hand, or the encoder of an earlier run, and what that has learnt."""

from pathlib import Path
from typing import Any

from bertune.base.errors import ModelError
from bertune.base.recipe import Recipe
from bertune.engine.devices import hardware
from bertune.evaluate.saved import read_about
from bertune.model.choice import Chosen, choose
from bertune.runs.folder import Folder


def starting_model(recipe: Recipe, language: str) -> Chosen:
    """The model that a recipe starts from, for texts of a language. Raises ModelError.

    Source: Phang et al. (2018), Sentence encoders on STILTs, for learning one task after another.
    """
    if recipe.model.from_run is None:
        return choose(recipe.model.name, language, hardware(), recipe.model.revision)
    run = Path(recipe.model.from_run)
    if not (run / "model" / "bertune.json").is_file():
        began = (run / "run.json").is_file()
        raise ModelError(
            "this run has no model to start from.", where=str(run), expected="a run folder with model/bertune.json",
            found="a run that is not done" if began else "no run" if run.is_dir() else "no such folder",
            next_move=f"bertune resume {run}" if began else "for the folder of a model: --model FOLDER",
        )  # fmt: skip
    task = read_about(run / "model").task
    languages = _of_model(Folder(run).record()).get("languages", [])
    known = tuple(one for one in languages if isinstance(one, str)) if isinstance(languages, list) else ()
    return Chosen(str(run), run / "model", known, f"the encoder of a run of {task}, with a fresh head")


def lineage(recipe: Recipe) -> dict[str, Any] | None:
    """What run.json tells of the run that was started from, and of the one before it in `from`; None without one."""
    if recipe.model.from_run is None:
        return None
    record = Folder(Path(recipe.model.from_run)).record()
    model, data = _of_model(record), record.get("data")
    return {
        "run": recipe.model.from_run, "task": record.get("task"), "started": record.get("started"),
        "data": data.get("digest") if isinstance(data, dict) else None, "model": model.get("name"),
        "from": model.get("from"),
    }  # fmt: skip


def _of_model(record: dict[str, Any]) -> dict[str, Any]:
    model = record.get("model")
    return model if isinstance(model, dict) else {}
