"""bertune compare."""

from typing import Annotated

import typer

from bertune.cli import options as o


def compare(
    runs: Annotated[list[str], typer.Argument(help="folders of runs; each is set beside the first", metavar="RUN")],
    metric: Annotated[str | None, typer.Option("--metric", help="else that of the first run", metavar="M")] = None,
    split: Annotated[str, typer.Option("--split", help="rows to compare on: test or valid", metavar="S")] = "test",
    as_json: o.AsJson = False,
) -> None:
    """Tell whether one run is better than another, on the rows that both were tested on."""
    from bertune.runs.compare import compare_command

    compare_command(runs, metric, split, o.teller(as_json))
