"""Wishes for a checkpoint after so many minutes."""

import time

from bertune.engine.events import Save, Saved, Started, Stepped


class IntervalSaving:
    """At least one checkpoint in `minutes`; the time of a checkpoint never changes the weights."""

    def __init__(self, minutes: float) -> None:
        self.seconds = minutes * 60
        self.last = time.monotonic()

    def on_started(self, event: Started) -> None:
        """The clock begins."""
        self.last = time.monotonic()

    def on_saved(self, event: Saved) -> None:
        """The clock begins anew."""
        if event.reason != "best":
            self.last = time.monotonic()

    def on_stepped(self, event: Stepped) -> Save | None:
        """Ask for a checkpoint when it is time."""
        now = time.monotonic()
        self.last = min(self.last, now)  # a clock that fell back counts from where it is
        return Save("interval") if now - self.last >= self.seconds else None
