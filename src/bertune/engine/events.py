"""What the loop tells, and what callbacks may answer."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened at a step of the run."""

    step: int
    epoch: float

    def as_json(self) -> dict[str, Any]:
        """The event as one line of history.jsonl."""
        return {"event": type(self).__name__.lower(), **asdict(self)}


@dataclass(frozen=True)
class Started(Event):
    """The loop of a seed begins, or goes on after a resume (then step is above 0)."""

    steps: int
    epochs: float
    batch_size: int
    resumed: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Stepped(Event):
    """One update was made; loss is the mean over the batch."""

    loss: float
    learning_rate: float
    gradient_norm: float
    texts_per_second: float
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Evaluated(Event):
    """A split was judged; `guessed_classes` counts the different classes among the guesses.

    `error` is the standard error of the score that weights are selected by; `spread` the largest standard deviation of
    a logit over the rows, None where that says nothing.
    """

    split: str
    scores: Mapping[str, float]
    loss: float
    guessed_classes: int
    error: float = 0.0
    spread: float | None = None


@dataclass(frozen=True)
class Saved(Event):
    """A checkpoint is complete and verified."""

    checkpoint: str
    reason: str


@dataclass(frozen=True)
class Stopped(Event):
    """The loop has ended; `finished` tells the planned or early end from an interruption."""

    reason: str
    finished: bool
    texts_per_second: float
    tokens_per_second: float


@dataclass(frozen=True)
class Stop:
    """A wish to end the loop; `finished` is False when the run is to be resumed later."""

    reason: str
    finished: bool = True


@dataclass(frozen=True)
class Save:
    """A wish for a checkpoint; `best` keeps it as the best so far."""

    reason: str
    best: bool = False


@dataclass(frozen=True)
class Warn:
    """A wish to tell the user something, once."""

    code: str
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


Wish = Stop | Save | Warn
