"""bertune init: a file to fill and a recipe to change."""

from pathlib import Path

from bertune.base import registry
from bertune.base.errors import BertuneError
from bertune.base.files import FILES
from bertune.runs.telling import Teller

RECIPE = """# Every setting has a default: bertune show losses, bertune show optimizers, docs/recipe.md.
seed = 0

[task]
name = "{task}"

[data]
train = "{data}"

[model]
# name = "minilm"          # hub id, folder or known name; without it: by language and hardware

[training]
# epochs = 4               # without it: from rows, classes and model

[evaluation]
# metric = "macro_f1"      # what early stopping selects by
"""


def init_command(folder: str, task: str, teller: Teller) -> None:
    """Write the example of a task and recipe.toml; refuses to overwrite."""
    kind = registry.load("tasks", task)
    example = str(kind.example)
    target = Path(folder)
    data, recipe = target / kind.file, target / "recipe.toml"
    for path in (data, recipe):
        if path.exists():
            raise BertuneError("there is such a file already.", where=str(path), next_move="name another folder")
    FILES.write_text(data, example)
    FILES.write_text(recipe, RECIPE.format(data=data.absolute().as_posix(), task=task))
    teller.say("written", f"{data} · {recipe}", data=str(data), recipe=str(recipe))
    teller.say("next", f"put your rows into {data}, then bertune train --recipe {recipe}")
