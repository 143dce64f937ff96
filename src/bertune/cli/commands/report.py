"""bertune report."""

from bertune.cli import options as o


def report(run: o.Run, language: o.Language = None, as_json: o.AsJson = False) -> None:
    """Write report.html of a run anew, in English or Chinese."""
    from pathlib import Path

    from bertune.report.page import write
    from bertune.runs.folder import Folder

    folder = Folder(Path(run))
    folder.record()
    path = write(folder.path, language or "en")
    o.teller(as_json).say("report", str(path), report=str(path))
