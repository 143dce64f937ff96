"""What all trackers have in common: events become named numbers, and a tracker that fails never ends a run."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bertune.engine.events import Evaluated, Started, Stepped, Stopped, Warn

Numbers = dict[str, float]


def numbers_of(event: Stepped | Evaluated | Stopped) -> Numbers:
    """The numbers that a tracker draws for an event, under names with the usual slash."""
    if isinstance(event, Stepped):
        return {
            "train/loss": event.loss,
            "train/learning_rate": event.learning_rate,
            "train/gradient_norm": event.gradient_norm,
            "train/epoch": event.epoch,
            "speed/texts_per_second": event.texts_per_second,
            "speed/tokens_per_second": event.tokens_per_second,
        }
    if isinstance(event, Evaluated):
        scores = {f"{event.split}/{name}": float(value) for name, value in event.scores.items()}
        return scores | ({f"{event.split}/loss": event.loss} if math.isfinite(event.loss) else {})
    return {
        "final/steps": float(event.step),
        "final/epochs": event.epoch,
        "final/texts_per_second": event.texts_per_second,
        "final/tokens_per_second": event.tokens_per_second,
    }


def flat(recipe: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str | int | float | bool]]:
    """The settings of a recipe under dotted keys; lists as texts."""
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, (str, int, float, bool)) else str(value)


class Tracker:
    """Hears the events of a run and hands their numbers to `open`, `send` and `close`, which a tracker fills in.

    Each seed of a run is a run of its own there, the further ones named after their seed (`part`).
    An error in a tracker (no network, a full disk) is told once and ends the tracking, not the run.
    """

    def __init__(self, out: Path, recipe: dict[str, Any]) -> None:
        self.out, self.name, self.part = out, out.name, ""
        self.settings = dict(flat(recipe))
        self.failed = False

    def open(self, step: int) -> None:
        """Begin; `step` is above 0 when a run is resumed, and numbers from later steps are to be replaced."""
        raise NotImplementedError

    def send(self, numbers: Numbers, step: int) -> None:
        """Take the numbers of one step."""
        raise NotImplementedError

    def close(self, reason: str, finished: bool) -> None:
        """End; `finished` is False for a run that may be resumed."""
        raise NotImplementedError

    def on_started(self, event: Started) -> Warn | None:
        """Begin."""
        if event.seed != self.settings.get("seed", event.seed):
            self.part = f"seed-{event.seed}"
            self.name = f"{self.out.name}-{self.part}"
        return self._try(lambda: self.open(event.step))

    def on_stepped(self, event: Stepped) -> Warn | None:
        """Send loss, learning rate and speed."""
        return self._try(lambda: self.send(numbers_of(event), event.step))

    def on_evaluated(self, event: Evaluated) -> Warn | None:
        """Send scores."""
        return self._try(lambda: self.send(numbers_of(event), event.step))

    def on_stopped(self, event: Stopped) -> Warn | None:
        """Send the overall speed, then end."""

        def end() -> None:
            self.send(numbers_of(event), event.step)
            self.close(event.reason, event.finished)

        return self._try(end)

    def _try(self, action: Any) -> Warn | None:
        if self.failed:
            return None
        try:
            action()
        except Exception as error:
            self.failed = True
            kind = type(self).__name__.lower()
            return Warn("tracker", f"{kind} failed ({type(error).__name__}): nothing more is sent; the run goes on")
        return None
