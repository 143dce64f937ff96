"""Turns a signal into an orderly end with a checkpoint."""

from bertune.engine.events import Save, Stepped, Stop, Wish
from bertune.engine.interrupt import Watch


class Interruption:
    """After a signal: a checkpoint at this step, then a stop that `bertune resume` continues."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def on_stepped(self, event: Stepped) -> list[Wish] | None:
        """Look whether a signal came."""
        if self.watch.caught is None:
            return None
        return [Save("interrupted"), Stop(f"signal {self.watch.caught}", finished=False)]
