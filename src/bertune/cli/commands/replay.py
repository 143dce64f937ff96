"""bertune replay."""

import typer

from bertune.cli import options as o


def replay(run: o.Run, as_json: o.AsJson = False) -> None:
    """Repeat a run from its own folder, and say whether it comes out the same."""
    from bertune.engine.callbacks.progress import Progress
    from bertune.runs.replay import replay_command

    teller = o.teller(as_json)
    progress = Progress(teller.bar)
    try:
        same = replay_command(run, teller, [progress])
    finally:
        progress.close()
    if not same:
        raise typer.Exit(1)
