"""bertune doctor."""

from typing import Annotated

import typer

from bertune.cli import options as o


def doctor(
    kill_test: Annotated[bool, typer.Option("--kill-test", help="train, kill and resume a small model")] = False,
    kills: Annotated[int, typer.Option("--kills", help="how many runs the kill test kills", min=1)] = 3,
    seed: o.Seed = None,
    hub: Annotated[bool, typer.Option("--hub", help="ask over the network whether models can be fetched")] = False,
    as_json: o.AsJson = False,
) -> None:
    """Tell what this machine offers; with --kill-test prove on it that a killed run ends bit-identical."""
    from bertune.runs.doctor import examine
    from bertune.runs.kill_test import kill_test as test

    teller = o.teller(as_json)
    examine(teller, hub)
    if kill_test and not test(kills, 0 if seed is None else seed, teller):
        raise typer.Exit(1)
