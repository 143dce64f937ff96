"""bertune init."""

from typing import Annotated

import typer

from bertune.cli import options as o


def init(
    folder: Annotated[str, typer.Argument(help="folder for the two files", metavar="FOLDER")] = ".",
    task: o.Task = None,
    as_json: o.AsJson = False,
) -> None:
    """Write a starter file of labelled rows and a starter recipe for a task."""
    from bertune.runs.init import init_command

    init_command(folder, task or "text_classification", o.teller(as_json))
