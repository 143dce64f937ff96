"""Sends the events of a run to Trackio."""

from pathlib import Path
from typing import Any

from bertune.base.errors import MissingExtra
from bertune.engine.callbacks._tracking import Numbers, Tracker


class Trackio(Tracker):
    """A run in the project `bertune` of the local dashboard: `trackio show --project bertune` shows it.

    A resumed run goes on under its name. Raises MissingExtra.
    """

    def __init__(self, out: Path, recipe: dict[str, Any]) -> None:
        super().__init__(out, recipe)
        try:
            import trackio
        except ImportError:
            raise MissingExtra("trackio", "track-trackio", "--track trackio") from None
        self.api: Any = trackio
        self.run: Any = None

    def open(self, step: int) -> None:
        """Begin a run, or go on with the one of this name."""
        self.run = self.api.init(
            project="bertune", name=self.name, config=self.settings, resume="allow" if step else "never"
        )

    def send(self, numbers: Numbers, step: int) -> None:
        """All numbers of a step at once."""
        self.run.log(numbers, step=step)

    def close(self, reason: str, finished: bool) -> None:
        """Send what is buffered."""
        self.run.finish()
