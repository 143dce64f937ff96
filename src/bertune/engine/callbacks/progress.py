"""Shows a run to people: one bar on a terminal, plain lines elsewhere, JSON lines for machines."""

import json
import math
import sys
import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from bertune.engine.callbacks._json_values import plain
from bertune.engine.events import Evaluated, Event, Saved, Started, Stepped, Stopped

LINE_SECONDS = 15.0


class Progress:
    """One line that tells loss, metric, tokens per second and time left. `kind` is bar, lines, json or none."""

    def __init__(self, kind: str, metric: str = "", console: Console | None = None) -> None:
        self.kind, self.metric = kind, metric
        self.console = console or Console(stderr=True, highlight=False)
        self.bar: Bar | None = None
        self.task: Any = None
        self.score, self.loss, self.last = "", math.nan, 0.0

    def on_started(self, event: Started) -> None:
        """Show an empty bar."""
        self.steps = event.steps
        if self.kind == "bar":
            columns = (
                TextColumn("train   "), BarColumn(bar_width=None), TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[told]}"),
            )  # fmt: skip
            self.bar = Bar(*columns, console=self.console, transient=False)
            self.task = self.bar.add_task("train", total=event.steps, completed=event.step, told="")
            self.bar.start()
        self._json(event)

    def on_stepped(self, event: Stepped) -> None:
        """Move on."""
        known = math.isfinite(self.loss)
        self.loss = event.loss if not known else 0.9 * self.loss + 0.1 * event.loss
        told = self._told(event)
        if self.bar is not None:
            self.bar.update(self.task, completed=event.step, told=told)
        elif self.kind == "lines" and time.monotonic() - self.last >= LINE_SECONDS:
            self.last = time.monotonic()
            self.console.print(f"train    step {event.step:,} of {self.steps:,} · {told}", soft_wrap=True)
        self._json(event)

    def _told(self, event: Stepped) -> str:
        minutes, seconds = divmod(int(event.seconds_left), 60)
        rate = f"{event.tokens_per_second:,.0f} tok/s"
        return "  ".join(
            [f"loss {self.loss:.3f}", *([self.score] if self.score else []), rate, f"{minutes}:{seconds:02d}"]
        )

    def on_evaluated(self, event: Evaluated) -> None:
        """Remember the score for the bar."""
        name, value = next(iter(event.scores.items()))
        self.score = f"{name} {value:.3f}"
        if self.kind == "lines":
            loss = f" · loss {event.loss:.3f}" if math.isfinite(event.loss) else ""
            self.console.print(f"valid    epoch {event.epoch:.2f} · {self.score}{loss}", soft_wrap=True)
        self._json(event)

    def on_saved(self, event: Saved) -> None:
        """Tell machines of a checkpoint."""
        self._json(event)

    def on_stopped(self, event: Stopped) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
        self._json(event)

    def close(self) -> None:
        """Give the terminal back, however the run ended."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None

    def _json(self, event: Event) -> None:
        if self.kind == "json":
            sys.stdout.write(json.dumps(plain(event.as_json()), ensure_ascii=False) + "\n")
            sys.stdout.flush()
