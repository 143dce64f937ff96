"""What the commands of the command line ask for, each in one call."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bertune.base import registry
from bertune.base.errors import BertuneError, ResumeError
from bertune.base.processes import asked, joined, meet
from bertune.base.recipe import Recipe, read_toml, resolve
from bertune.engine.callbacks.progress import Progress
from bertune.runs.ask import ask
from bertune.runs.folder import Folder, fresh
from bertune.runs.further import refuse_further, refuse_part
from bertune.runs.several import check_fit, follow, launched
from bertune.runs.telling import Teller
from bertune.runs.train import train


def train_command(
    flags: Mapping[str, Any], settings: Sequence[str], recipe_file: str | None, out: str | None, teller: Teller,
    mode: str = "train", processes: int = 1,
) -> None:  # fmt: skip
    """bertune train: `mode` is train, dry_run or find_lr."""
    recipe = ask(flags, settings, recipe_file)
    if processes > 1 and mode != "train":
        raise BertuneError("a dry run, or a trial of learning rates, is made in one process.", where="--processes",
                           expected="1", found=str(processes))  # fmt: skip
    if launched(processes, sys.argv[1:]):
        return
    folder = Path(out) if out else fresh(recipe.data.train)
    if mode != "train":
        refuse_further(recipe, "a dry run" if mode == "dry_run" else "a trial of learning rates")
    if mode == "dry_run":
        from bertune.runs.dry_run import dry_run

        dry_run(recipe, teller)
    elif mode == "find_lr":
        from bertune.runs.find_lr import find_lr

        find_lr(recipe, folder, teller)
    else:
        if asked().leads:
            not_taken(folder)
        start(recipe, folder, teller, resume=False)


def resume_command(run: str, teller: Teller, processes: int = 1) -> None:
    """bertune resume: go on with an interrupted run; a run that is done is left as it is."""
    if launched(processes, sys.argv[1:]):
        return
    folder = Folder(Path(run))
    record = folder.record()
    refuse_part(record, folder.path, "resume")
    if record.get("status") == "done":
        folder.clear(resolve(read_toml(folder.recipe)).training.keep_checkpoints)
        teller.say("done", f"{run} is complete; nothing to resume")
        return
    if not folder.recipe.exists():
        raise ResumeError(
            "this run was stopped before it had written its recipe; there is nothing to go on from.", where=run,
            next_move=f"start it anew: bertune train DATA --out {run}",
        )  # fmt: skip
    folder.refuse_other_format()  # before its recipe is read, which another release may have written in another way
    start(resolve(read_toml(folder.recipe)), folder.path, teller, resume=True)


def start(recipe: Recipe, out: Path, teller: Teller, resume: bool, command: Sequence[str] = ()) -> None:
    """Train or resume a run in a folder, with its progress shown and its trackers told."""
    if asked().count > 1:
        check_fit(recipe)
    with joined() as group:
        if not group.leads:
            follow(recipe, out, resume)
            return
        meet()
        _lead(recipe, out, teller, resume, command)


def _lead(recipe: Recipe, out: Path, teller: Teller, resume: bool, command: Sequence[str]) -> None:
    progress = Progress(teller.bar)
    trackers = [
        registry.load("callbacks", name)(out, recipe.as_dict()) for name in _known_trackers(recipe.training.track)
    ]
    try:
        train(recipe, out, teller=teller, command=command or ["bertune", *sys.argv[1:]], resume=resume,
              listeners=[progress, *trackers])  # fmt: skip
    finally:
        progress.close()


def _known_trackers(names: Sequence[str]) -> Sequence[str]:
    wrong = [name for name in names if name not in TRACKERS]
    if wrong:
        raise BertuneError(f"there is no tracker {wrong[0]!r}.", expected=", ".join(TRACKERS))
    return names


TRACKERS = ("tensorboard", "mlflow", "wandb", "trackio")


def not_taken(folder: Path) -> None:
    """Raises ResumeError when a folder for a new run holds something already."""
    if not Folder(folder).empty:
        raise ResumeError(
            "this folder holds something already.", where=str(folder), expected="a new or empty folder",
            next_move=f"bertune resume {folder}, or another --out",
        )  # fmt: skip
