"""Writes every event to history.jsonl as it comes."""

import json
from pathlib import Path
from typing import Any

from bertune.base.errors import ResumeError
from bertune.base.files import FILES
from bertune.engine.callbacks._json_values import plain
from bertune.engine.events import Evaluated, Event, Saved, Started, Stepped, Stopped


class History:
    """One JSON line for each event; after a resume the file is cut back to the checkpoint, then goes on."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _write(self, event: Event) -> None:
        FILES.append(self.path, json.dumps(plain(event.as_json()), ensure_ascii=False))

    def on_started(self, event: Started) -> None:
        """Note the start."""
        self._write(event)

    def on_stepped(self, event: Stepped) -> None:
        """Note an update."""
        self._write(event)

    def on_evaluated(self, event: Evaluated) -> None:
        """Note a judging."""
        self._write(event)

    def on_saved(self, event: Saved) -> None:
        """Note a checkpoint."""
        self._write(event)

    def on_stopped(self, event: Stopped) -> None:
        """Note the end, which no checkpoint comes after to force to the disk."""
        self._write(event)
        self._sync()

    def _sync(self) -> None:
        FILES.sync(self.path)
        FILES.flush_folder(self.path.parent)

    def state(self) -> dict[str, Any]:
        """The size of the file in bytes; what it holds is on the disk before a checkpoint counts on it."""
        if not self.path.exists():
            return {"bytes": 0}
        self._sync()
        return {"bytes": self.path.stat().st_size}

    def restore(self, state: dict[str, Any]) -> None:
        """Cut the file back to what it held at the checkpoint."""
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < state["bytes"]:
            raise ResumeError(
                "the history is shorter than it was at the checkpoint.",
                where=str(self.path),
                expected=f"at least {state['bytes']:,} bytes",
                found=f"{size:,} bytes",
                next_move="put the file back, or start a new run with bertune train",
            )
        if size > state["bytes"]:
            FILES.truncate(self.path, state["bytes"])
