"""bertune train."""

from typing import Annotated

import typer

from bertune.cli import options as o


def train(
    data: o.MaybeData = None, valid: o.Valid = None, test: o.Test = None, task: o.Task = None, text: o.Text = None,
    text_pair: o.TextPair = None, label: o.Label = None, model: o.ModelName = None, out: o.Out = None,
    seed: o.Seed = None, recipe: o.RecipeFile = None, set_: o.Set = None, language: o.Language = None,
    from_run: Annotated[
        str | None, typer.Option("--from", help="start from the encoder of an earlier run", metavar="RUN")
    ] = None,
    also: Annotated[
        list[str] | None, typer.Option("--also", help="learn a further task with it: data, or a recipe", metavar="F")
    ] = None,
    track: Annotated[list[str] | None, typer.Option("--track", help="tensorboard, mlflow, wandb, trackio")] = None,
    find_lr: Annotated[bool, typer.Option("--find-lr", help="only try learning rates and plot the loss")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell steps, time, memory and disk")] = False,
    processes: o.Processes = 1,
    as_json: o.AsJson = False,
) -> None:  # fmt: skip
    """Train, test and report a model from a file of labelled text."""
    from bertune.runs.command import train_command

    flags = {"data": data, "valid": valid, "test": test, "task": task, "text": text, "text_pair": text_pair,
             "label": label, "model": model, "seed": seed, "language": language, "from_run": from_run,
             "also": list(also) if also else None}  # fmt: skip
    settings = [*(set_ or []), *([f"training.track={list(track)!r}"] if track else [])]
    mode = "find_lr" if find_lr else "dry_run" if dry_run else "train"
    train_command(flags, settings, recipe, out, o.teller(as_json), mode, processes)
