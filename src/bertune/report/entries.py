"""The entries of a run's files, and how they are read from JSON."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bertune.base.types import Finding, Place, Score, Severity

MOST = 2**53  # figures beyond are no counts, and floats no longer tell them apart


@dataclass(frozen=True)
class Step:
    """One update: its number, epoch (fractional), training loss and learning rate."""

    step: int
    epoch: float
    loss: float
    learning_rate: float


@dataclass(frozen=True)
class Check:
    """One look at the validation rows: step, epoch, loss, and the scores by metric."""

    step: int
    epoch: float
    loss: float
    scores: Mapping[str, float]


@dataclass(frozen=True)
class ClassScore:
    """How one class is recognised on the test rows; `n` is how many of them belong to it.

    `low` and `high` are the ends of the interval of `f1`, nan where there is none; `threshold` is the probability from
    which a label is given, nan where there is none.
    """

    name: str
    precision: float
    recall: float
    f1: float
    n: int
    low: float = math.nan
    high: float = math.nan
    threshold: float = math.nan


@dataclass(frozen=True)
class SliceScore:
    """The score of the rows that share a value of a column; whether they are few, and worse than the others."""

    column: str
    value: str
    score: Score
    few: bool
    below: bool


@dataclass(frozen=True)
class Bin:
    """Test rows of like confidence: mean confidence, share that was right, number of rows."""

    confidence: float
    accuracy: float
    n: int


@dataclass(frozen=True)
class Mistake:
    """A test row that was answered wrongly, and how sure the answer was."""

    place: Place
    text: str
    pair: str | None
    gold: str
    answer: str
    probability: float


@dataclass(frozen=True)
class Suspect:
    """A training row whose given label may be wrong; `doubt` in [0, 1] is higher the more so.

    It is 1 - score of suspects.json, where the score is the normalised margin of the given label (small: surely wrong).
    """

    place: Place
    text: str
    given: str
    suggested: str
    doubt: float


def figure_of(value: Any) -> float:
    """A number as a float; nan for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return math.nan
    return float(value) if isinstance(value, float) or abs(value) < MOST else math.nan


def whole_of(value: Any, otherwise: int = 0) -> int:
    """A whole number; `otherwise` for anything else."""
    figure = figure_of(value)
    return int(figure) if math.isfinite(figure) and abs(figure) < MOST else otherwise


def listed(value: Any) -> list[Any]:
    """A list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def score_of(value: Any) -> Score | None:
    """A score as it stands in scores.json (an object, or a bare number without interval); None for anything else."""
    if isinstance(value, Mapping) and "value" in value:
        middle = figure_of(value["value"])
        low, high = figure_of(value.get("low")), figure_of(value.get("high"))
        return Score(middle, low, high, whole_of(value.get("n")))
    if isinstance(value, (int, float)):
        return Score(figure_of(value), math.nan, math.nan, 0)
    return None


def scores_of(value: Any) -> dict[str, Score]:
    """The scores of a table {metric: score}; other entries are left out."""
    found = {str(k): score_of(v) for k, v in value.items()} if isinstance(value, Mapping) else {}
    return {k: v for k, v in found.items() if v is not None}


def slices_of(raw: Any) -> list[SliceScore]:
    """The slices of a table {column: {value: score}}; other entries are left out."""
    found = []
    for column, values in raw.items() if isinstance(raw, Mapping) else ():
        for value, score in scores_of(values).items():
            marks = values[value] if isinstance(values[value], Mapping) else {}
            flags = marks.get("few_rows") is True, marks.get("below_rest") is True
            found.append(SliceScore(str(column), value, score, *flags))
    return found


def figures_of(raw: Any) -> dict[str, float]:
    """Scores by metric as plain figures; those that are not finite are left out."""
    pairs = {str(k): score_of(v) for k, v in raw.items()} if isinstance(raw, Mapping) else {}
    return {k: v.value for k, v in pairs.items() if v is not None and math.isfinite(v.value)}


def place_of(raw: Mapping[str, Any]) -> Place:
    """Where a row came from; row 0 where that is not known."""
    line = raw.get("line")
    return Place(str(raw.get("file") or ""), whole_of(raw.get("row")), whole_of(line) or None)


def finding_of(raw: Mapping[str, Any]) -> Finding:
    """A finding as it stands in findings.json; an unknown severity reads as a note."""
    severity = raw.get("severity")
    kept: Severity = severity if severity in ("error", "warning", "note") else "note"
    rows = tuple(place_of(r) for r in listed(raw.get("rows")) if isinstance(r, Mapping))
    count = whole_of(raw.get("count"), len(rows)) or len(rows)
    return Finding(str(raw.get("code", "")), kept, str(raw.get("message", "")), str(raw.get("fix", "")), rows, count)


def mistake_of(raw: Mapping[str, Any]) -> Mistake:
    """A wrong answer from a row of predictions."""
    pair = raw.get("text_pair")
    sure = figure_of(raw.get("probability"))
    return Mistake(
        place_of(raw),
        str(raw.get("text") or ""),
        None if pair is None else str(pair),
        str(raw["label"]),
        str(raw["prediction"]),
        sure if math.isfinite(sure) else 0.0,
    )


def suspect_of(raw: Mapping[str, Any]) -> Suspect:
    """A suspected label as it stands in suspects.json."""
    return Suspect(
        place_of(raw),
        str(raw.get("text") or ""),
        str(raw.get("given", "")),
        str(raw.get("suggested", "")),
        1 - figure_of(raw.get("score")),
    )
