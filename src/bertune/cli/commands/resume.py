"""bertune resume."""

from bertune.cli import options as o


def resume(run: o.Run, processes: o.Processes = 1, as_json: o.AsJson = False) -> None:
    """Go on with a run that was stopped or killed, to the same end."""
    from bertune.runs.command import resume_command

    resume_command(run, o.teller(as_json), processes)
