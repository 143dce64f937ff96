"""Small runs for the tests of resuming: made, stopped, compared."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import tiny_models
from bertune.base.recipe import Recipe, read_toml, resolve
from bertune.engine import checkpoint
from bertune.engine.events import Event, Save, Stop
from bertune.engine.interrupt import Interrupted
from bertune.runs.ask import ask
from bertune.runs.folder import Folder
from bertune.runs.telling import Silent
from bertune.runs.train import train

FAST = (
    "training.threads=1", "training.precision=fp32", "training.epochs=2", "training.batch_size=8",
    "training.micro_batch_size=3", "optimizer.learning_rate=1e-2", "evaluation.resamples=100",
    "evaluation.baselines=false", "evaluation.suspects=false", "evaluation.early_stopping=false",
    "evaluation.metric=log_loss", "training.keep_checkpoints=true", "training.seeds=1",
)  # fmt: skip
# of runs with everything, ungrouped, so that the first batches are full: three portions each
FULL = ("evaluation.baselines=true", "evaluation.suspects=true", "training.group_by_length=false")
TIMES = ("texts_per_second", "tokens_per_second", "seconds_left")


class Cut:
    """A listener that saves and stops as one event comes by: at `event`, the `count`-th of its kind."""

    def __init__(self, event: str, count: int) -> None:
        self.event, self.count, self.seen = event, count, 0

    def _hear(self, event: Event) -> list[Save | Stop] | None:
        self.seen += type(event).__name__.lower() == self.event
        if self.seen != self.count:
            return None
        self.seen += 1
        return [Save("cut"), Stop("cut", finished=False)]

    def on_started(self, event: Event) -> list[Save | Stop] | None:
        """Cut before the first update."""
        return self._hear(event) if self.event == "started" else None

    def on_stepped(self, event: Event) -> list[Save | Stop] | None:
        """Cut after an update."""
        return self._hear(event) if self.event == "stepped" else None

    def on_evaluated(self, event: Event) -> list[Save | Stop] | None:
        """Cut after a judging."""
        return self._hear(event) if self.event == "evaluated" else None


class Saving:
    """A listener that wishes for a checkpoint at every update, or at those that are named."""

    def __init__(self, steps: Sequence[int] | None = None) -> None:
        self.steps = steps

    def on_stepped(self, event: Event) -> Save | None:
        """Wish for one."""
        return Save("test") if self.steps is None or event.step in self.steps else None


def data_file(folder: Path, rows: int = 36) -> Path:
    """A CSV file of a few labelled sentences."""
    return tiny_models.csv_file(folder / "rows.csv", rows)


def recipe_of(data: Path, model: Path, *settings: str) -> Recipe:
    """A recipe that trains in a second; settings win over those of FAST."""
    return ask({"data": str(data), "model": str(model)}, _settings(settings))


def _settings(changed: Sequence[str]) -> list[str]:
    names = {text.partition("=")[0] for text in changed}
    return [*(text for text in FAST if text.partition("=")[0] not in names), *changed]


def train_arguments(data: Path, model: Path, out: Path, *settings: str) -> list[str]:
    """The command line of the run of `recipe_of` with the same settings."""
    sets = [part for setting in _settings(settings) for part in ("--set", setting)]
    return ["train", str(data), "--model", str(model), "--out", str(out), *sets]


def begin(recipe: Recipe, out: Path, *listeners: Any, report: bool = False) -> Folder:
    """Start a run; a run that a listener cuts comes back stopped."""
    try:
        return train(recipe, out, listeners=listeners, report=report)
    except Interrupted as interruption:
        return cut(interruption, out)


def resume(out: Path, *listeners: Any, teller: Silent | None = None, report: bool = False) -> Folder:
    """Resume a run as the command does: from what lies in its folder alone."""
    try:
        return train(
            resolve(read_toml(out / "recipe.toml")), out, teller=teller, resume=True, listeners=listeners, report=report
        )
    except Interrupted as interruption:
        return cut(interruption, out)


def cut(interruption: Interrupted, out: Path) -> Folder:
    """The folder of a run that a listener stopped. Raises what came from outside."""
    if interruption.number:
        raise interruption
    return Folder(out)


def history(run: Path) -> list[dict[str, Any]]:
    """The updates and judgings of a run without times."""
    events = [json.loads(line) for line in (run / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    kept = [e for e in events if e["event"] in ("stepped", "evaluated")]
    return [{k: v for k, v in event.items() if k not in TIMES} for event in kept]


def weights(run: Path) -> bytes:
    """The bytes of the saved model's weights, and of what was learnt beside them."""
    return b"".join(file.read_bytes() for file in sorted((run / "model").glob("*.safetensors")))


def ending(run: Path) -> dict[str, Any]:
    """Everything that must be the same however a run came to its end; `last` are the weights after the last update."""
    newest = checkpoint.found(run / "checkpoints")[0]
    return {
        "weights": weights(run),
        "last": {p.name: p.read_bytes() for p in sorted(newest.glob("*.safetensors"))},
        "history": history(run),
        "scores": (run / "scores.json").read_bytes(),
        "predictions": {p.name: pq.read_table(p).to_pylist() for p in sorted((run / "predictions").iterdir())},
        "best": json.loads((run / "run.json").read_text(encoding="utf-8"))["best"],
    }


def same(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """The names of what differs between two endings; empty when they are the same to the last bit."""
    return [name for name in one if one[name] != other[name]]


@contextmanager
def scratch(place: Path) -> Iterator[Path]:
    """A folder that is gone afterwards, so that hundreds of runs do not fill the disk."""
    with tempfile.TemporaryDirectory(dir=place) as name:
        yield Path(name)


def some(trials: Sequence[Any], every: int) -> list[Any]:
    """Parameters of trials: the first and each `every`-th after it in the default lane, the rest in the slow one."""
    return [
        pytest.param(*t) if n % every == 0 else pytest.param(*t, marks=pytest.mark.slow) for n, t in enumerate(trials)
    ]
