"""Further tasks that are learnt together with that of a run: their recipes, and the plan for all of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bertune.base.errors import Problem, RecipeError, ResumeError
from bertune.base.recipe import Recipe, read_toml
from bertune.base.wording import counted
from bertune.engine.plan import Facts, Plan, plan
from bertune.runs.ask import ask
from bertune.runs.prepare import Prepared

OWN = ("data", "task", "loss", "evaluation")  # sections that a further task has for itself; and model.max_length
UNGUESSED = "guesses are learnt by runs of one task; leave it out, or data.also"
NOT_INHERITED = ("evaluation.metric", "evaluation.slices", "evaluation.threshold")


def further_recipes(recipe: Recipe, settled: Mapping[str, Any]) -> dict[str, Recipe]:
    """The recipe of each further task by its name, in the order of `data.also`.

    Data, task, loss and the length of texts are its own, or the defaults; all else is that of the run, with its
    `settled` model. Raises RecipeError.
    """
    if not recipe.data.also:
        if recipe.training.temperature != 1.0:
            text = "mixes the batches of several tasks; name the others in data.also, or leave it out"
            raise RecipeError([Problem("training.temperature", text)])
        return {}
    if recipe.training.seeds not in ("auto", 1):
        text = f"found {recipe.training.seeds}; several tasks are learnt together with one seed"
        raise RecipeError([Problem("training.seeds", text)])
    if recipe.data.unlabelled is not None:
        raise RecipeError([Problem("data.unlabelled", UNGUESSED)])
    shared = {key: value for key, value in {**recipe.stated, **settled}.items() if _is_shared(key)}
    found: dict[str, Recipe] = {}
    for path in recipe.data.also:
        name = name_of(path, found)
        found[name] = _of(path, {**shared, "training.seeds": 1, "training.temperature": 1.0})
    return found


def _is_own(key: str) -> bool:
    return key.partition(".")[0] in OWN or key == "model.max_length"


def _is_shared(key: str) -> bool:
    return not _is_own(key) or (key.startswith("evaluation.") and key not in NOT_INHERITED)


def _of(path: str, shared: Mapping[str, Any]) -> Recipe:
    if not path.endswith(".toml"):
        return ask({"data": path}, shared)
    stated = read_toml(Path(path))
    foreign = [key for key in stated if not _is_own(key) and stated[key] != shared.get(key)]
    if "data.unlabelled" in stated:
        raise RecipeError([Problem("data.unlabelled", UNGUESSED, path)])
    foreign += ["data.also"] if stated.get("data.also") else []
    problems = [Problem(key, "belongs to the run that the task is learnt in; leave it out", path) for key in foreign]
    if "data.train" not in stated:
        problems.append(Problem("data.train", "names no data", path))
    if problems:
        raise RecipeError(problems)
    return ask({}, {key: value for key, value in shared.items() if key not in stated}, path)


def name_of(path: str, taken: Mapping[str, Any] | None = None) -> str:
    """A short name of letters and digits that no other task has."""
    stem = re.sub(r"[^\w-]+", "-", Path(path.removeprefix("hf:")).name.split(".")[0]).strip("-") or "task"
    name, number = stem, 1
    while taken and name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def refuse_further(recipe: Recipe, what: str) -> None:
    """Raises RecipeError where a recipe has further tasks, for what is made of a single one."""
    if recipe.data.also:
        raise RecipeError([Problem("data.also", f"{what} is made of one task; leave the further ones out")])


def refuse_part(record: Mapping[str, Any], run: Path, verb: str) -> None:
    """Raises ResumeError for the folder of a task that was learnt in the run of another."""
    together = record.get("together")
    if isinstance(together, dict) and not together.get("own"):
        whole = run.resolve().parent.parent
        raise ResumeError("this task is learnt together with that of another run.", where=str(run),
                          expected="the run that it belongs to", next_move=f"bertune {verb} {whole}")  # fmt: skip


def check_tasks(prepared: Sequence[Prepared]) -> None:
    """Raises RecipeError where tasks cannot have one encoder: where the model, or tokens that they add, differ."""
    first = prepared[0].chosen.folder.resolve()
    for other in prepared[1:]:
        if other.chosen.folder.resolve() != first:
            text = f"found {other.chosen.name} beside {prepared[0].chosen.name}; tasks learnt together have one model"
            raise RecipeError([Problem("model.name", text)])
    added = {one.rows.task.special_tokens: one.rows.task.name for one in prepared if one.rows.task.special_tokens}
    if len(added) > 1:
        text = f"{' and '.join(added.values())} add different tokens to the vocabulary; learn one after the other"
        raise RecipeError([Problem("data.also", text)])


def planned_together(recipe: Recipe, facts: Sequence[Facts]) -> Plan:
    """The plan for all tasks: by the rule for as many rows as they have on average, and the most classes of any."""
    rows = round(sum(one.rows for one in facts) / len(facts))
    combined = replace(
        facts[0], rows=rows, classes=max(one.classes for one in facts), pairs=any(one.pairs for one in facts),
        valid_rows=round(sum(one.valid_rows for one in facts) / len(facts)),
        copies=round(sum(one.rows * one.copies for one in facts) / sum(one.rows for one in facts)),
    )  # fmt: skip
    if len(facts) == 1:
        return plan(recipe, combined)
    made = plan(recipe.changed({"training.seeds": 1}), combined)
    return replace(made, why=f"{made.why}; {counted(len(facts), 'task')} of so many rows on average")
