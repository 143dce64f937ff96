"""What must not depend on how a run came to its end, and what differs between two ends."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bertune.base.files import FILES
from bertune.runs.folder import Folder

TIMES = ("texts_per_second", "tokens_per_second", "seconds_left")


def events(out: Path) -> list[dict[str, Any]]:
    """The whole lines of a run's history; a line that is being written is none."""
    path = Folder(out).history
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def ending(out: Path) -> dict[str, Any]:
    """Weights (their digest), scores, predictions, and the history without times of a run that is done."""
    run = Folder(out)
    kept = [event for loop in run.loops() for event in events(loop.path) if event["event"] in ("stepped", "evaluated")]
    further = {path.name: ending(path) for path in sorted(run.also.glob("*"))}
    return {
        "weights": FILES.digest(run.model / "model.safetensors"),
        "scores": FILES.read(run.scores),
        "predictions": {p.name: _answers(p) for p in sorted(run.predictions.iterdir())},
        "history": [{k: v for k, v in event.items() if k not in TIMES} for event in kept],
        **({"further tasks": further} if further else {}),
    }


def _answers(path: Path) -> list[dict[str, Any]]:
    """The rows of predictions; of the file that each came from only its name, as files may have moved."""
    return [row | {"file": Path(row["file"]).name} for row in pq.read_table(path).to_pylist()]


def differences(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, ...]:
    """The names of what differs between two endings."""
    return tuple(name for name in {**one, **other} if one.get(name) != other.get(name))
