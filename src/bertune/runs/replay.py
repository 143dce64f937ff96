"""bertune replay: repeats a run from its own folder and says whether it comes out the same, and if not, why."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

from bertune.base.errors import ResumeError
from bertune.base.files import FILES
from bertune.base.recipe import read_toml, resolve
from bertune.runs.endings import differences, ending
from bertune.runs.folder import Folder
from bertune.runs.further import refuse_part
from bertune.runs.telling import Silent, Teller
from bertune.runs.train import train

Pair = tuple[str, str]


@dataclass(frozen=True)
class Replayed:
    """What came out other than in the run, and which inputs are not what they were, as (before, now) by name.

    `furthest` is the largest difference of a weight (infinite where the weights have other shapes), `scores` the judged
    metric before and now.
    """

    differs: tuple[str, ...]
    inputs: Mapping[str, Pair]
    furthest: float
    metric: str
    scores: tuple[float, float] | None

    @property
    def identical(self) -> bool:
        """Whether weights, scores, predictions and history are the same to the last bit."""
        return not self.differs


def replay(run: str | Path, *, teller: Teller | None = None, listeners: Sequence[Any] = ()) -> Replayed:
    """Train once more from the recipe in a run's folder, in a temporary folder, and compare the two ends.

    Nothing in the run's folder is changed; the test rows are scored again, by the repeated model.
    Raises ResumeError when the run is missing or not done, DataError or ModelError when its data or model are gone.
    """
    folder = Folder(Path(run))
    record = folder.record()
    refuse_part(record, folder.path, "replay")
    if record.get("status") != "done":
        raise ResumeError("only a run that is done can be repeated.", where=str(folder.path),
                          found=str(record.get("status")), next_move=f"bertune resume {folder.path}")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="bertune-replay-") as place:
        again = train(resolve(read_toml(folder.recipe)), Path(place) / "run", teller=teller or Silent(),
                      listeners=listeners, report=False)  # fmt: skip
        return _compared(folder, again, record)


def _compared(folder: Folder, again: Folder, record: dict[str, Any]) -> Replayed:
    now = again.record()
    old, new = (_leaves(r.get("fingerprint", {})) for r in (record, now))
    names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    metric = str(record.get("metric", ""))
    return Replayed(
        differences(ending(folder.path), ending(again.path)),
        {name: (old.get(name, "nothing"), new.get(name, "nothing")) for name in names},
        furthest(folder, again),
        metric,
        _scores(folder, again, metric),
    )


def furthest(one: Folder, other: Folder) -> float:
    """The largest difference between the weights of two runs; infinite where they do not have the same tensors."""
    a, b = (load_file(folder.model / "model.safetensors") for folder in (one, other))
    if {name: t.shape for name, t in a.items()} != {name: t.shape for name, t in b.items()}:
        return float("inf")
    return max((float(np.abs(a[name].astype(np.float64) - b[name]).max(initial=0.0)) for name in a), default=0.0)


def _scores(one: Folder, other: Folder, metric: str) -> tuple[float, float] | None:
    before, now = (FILES.read_json(folder.scores) for folder in (one, other))
    name = before.get("judged_on")
    if name is None or metric not in before.get(name, {}) or metric not in now.get(name, {}):
        return None
    return float(before[name][metric]["value"]), float(now[name][metric]["value"])


def _leaves(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """The values of nested tables as text, by path."""
    leaves: dict[str, str] = {}
    for key, value in table.items():
        nested = isinstance(value, Mapping)
        leaves |= _leaves(value, f"{prefix}{key}: ") if nested else {f"{prefix}{key}": str(value)}
    return leaves


def replay_command(run: str, teller: Teller, listeners: Sequence[Any] = ()) -> bool:
    """Repeat a run and tell how it came out; whether it came out the same. Raises BertuneError."""
    found = replay(run, teller=teller, listeners=listeners)
    data = {
        "identical": found.identical, "differs": list(found.differs), "furthest": found.furthest,
        "inputs": {name: {"before": a, "now": b} for name, (a, b) in found.inputs.items()},
        "metric": found.metric, "scores": found.scores,
    }  # fmt: skip
    if found.identical:
        teller.say("replay", "the same to the last bit: weights, scores, predictions, history", **data)
    else:
        lines = [f"DIFFERENT: {', '.join(found.differs)}", f"weights apart by at most {found.furthest:.1e}"]
        if found.scores is not None:
            lines.append(f"{found.metric} {found.scores[0]:.4f}, now {found.scores[1]:.4f}")
        teller.say("replay", "\n".join(lines), **data)
    for name, (before, now) in found.inputs.items():
        teller.warn(f"{name} is not what it was: {_short(before)}, now {_short(now)}", input=name)
    if not found.identical and not found.inputs:
        teller.warn("every input that bertune knows of is the same; the cause lies outside: the processor, a driver or "
                    "an operation that adds in no fixed order")  # fmt: skip
    return found.identical


def _short(value: str) -> str:
    """A value as people compare it: of a digest the first twelve characters."""
    return value if len(value) <= 40 else f"{value[:12]}…"
