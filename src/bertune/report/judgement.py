"""Whether a model may be used, by clear rules; read by the verdict, the next steps and the model card."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from bertune.base.openings import FEW_OPENINGS, times_opened
from bertune.report.entries import figure_of
from bertune.report.folder import RunFolder

Light = Literal["use", "look", "stop"]
WIDE_INTERVAL = 0.10
WEAK_F1 = 0.50
HIGH_ECE = 0.10
CUT_SHARE = 0.10
SEED_SPREAD = 0.05


@dataclass(frozen=True)
class Reason:
    """One rule that spoke: `key` of its sentence (under `judgement.`), the light it asks for, and its values."""

    key: str
    light: Light
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """The light, and every reason for it; the worst reason decides."""

    light: Light
    reasons: tuple[Reason, ...]


def judge(run: RunFolder) -> Judgement:
    """The judgement of a run; the rules stand in the docstring of `sections/verdict.py`."""
    reasons = [*_stops(run), *_looks(run)]
    if any(r.light == "stop" for r in reasons):
        light: Light = "stop"
    else:
        light = "look" if reasons else "use"
    if light == "use":
        reasons = [*_goods(run)]
    return Judgement(light, tuple(reasons))


def _stops(run: RunFolder) -> Iterator[Reason]:
    best = run.best_baseline
    if run.compared.get("verdict") == "no" and best is not None:
        yield Reason("no_gain", "stop", {"baseline": best[0], "value": best[1].value})
    if run.kind in ("labels", "spans", "answer") and run.score is not None and run.score.value == 0:
        yield Reason("nothing_right", "stop")
    answer = only_answer(run)
    if answer is not None:
        yield Reason("one_answer", "stop", {"label": answer})


def only_answer(run: RunFolder) -> str | None:
    """The class that every test row was given, where there are several classes and the model knows only one."""
    if run.kind not in ("class", "choice"):
        return None
    given = [k for k in range(len(run.classes)) if any(row[k] for row in run.confusion)]
    present = sum(any(row) for row in run.confusion)
    return run.classes[given[0]] if len(given) == 1 and present > 1 else None


def _looks(run: RunFolder) -> Iterator[Reason]:
    score = run.score
    if not run.finished:
        yield Reason("unfinished", "look", {"status": str(run.fact("status"))})
    elif score is None:
        yield Reason("untested", "look")
    errors = [f for f in run.findings if f.severity == "error"]
    if errors:
        yield Reason("errors", "look", {"n": len(errors)})
    if run.compared.get("verdict") == "cannot tell" and run.best_baseline is not None:
        yield Reason("unsure_gain", "look", {"baseline": run.best_baseline[0]})
    if score is not None and math.isfinite(score.high - score.low) and score.high - score.low > WIDE_INTERVAL:
        yield Reason("wide", "look", {"width": score.high - score.low, "n": score.n})
    weak = weak_classes(run)
    if weak and only_answer(run) is None:
        yield Reason("weak_class", "look", {"labels": weak})
    ece = calibration_error(run)
    if math.isfinite(ece) and ece > HIGH_ECE and not _may_be_chance(run):
        yield Reason("uncalibrated", "look", {"ece": ece})
    share = run.fact("lengths.ledger.train.share_rows_cut", 0.0)
    if isinstance(share, float) and share > CUT_SHARE and not run.windowed:
        yield Reason("cut", "look", {"share": share})
    if openings(run) > FEW_OPENINGS:
        yield Reason("reopened", "look", {"n": openings(run)})
    spread = seed_spread(run)
    if spread > SEED_SPREAD:
        yield Reason("seeds", "look", {"spread": spread})


def _goods(run: RunFolder) -> Iterator[Reason]:
    best, score = run.best_baseline, run.score
    if run.compared.get("verdict") == "yes" and best is not None:
        yield Reason("gain", "use", {"baseline": best[0]})
    if score is not None and math.isfinite(score.high - score.low):
        yield Reason("narrow", "use", {"width": score.high - score.low, "n": score.n})
    if run.findings:
        yield Reason("no_errors", "use", {"n": len(run.findings)})


def weak_classes(run: RunFolder) -> list[str]:
    """Classes with test rows and an F1 under one half, the worst first; positions of choices are no classes.

    None where the score is 0, which says it all.
    """
    if run.kind == "choice" or (run.score is not None and run.score.value == 0):
        return []
    weak = sorted((c for c in run.per_class if c.n and c.f1 < WEAK_F1), key=lambda c: c.f1)
    return [c.name for c in weak]


def calibration_error(run: RunFolder) -> float:
    """The expected calibration error after temperature, or before where none was fitted; nan where unknown."""
    for side in ("after", "before"):
        table = run.calibration.get(side)
        if isinstance(table, dict) and isinstance(table.get("ece"), (int, float)):
            return figure_of(table["ece"])
    return math.nan


def _may_be_chance(run: RunFolder) -> bool:
    """Whether the interval of the calibration error reaches 0: on few rows it is large where all is well."""
    found = run.scores(run.judged_on).get("calibration_error")
    return found is not None and found.low <= 0.0


def openings(run: RunFolder) -> int:
    """How often the rows that the run was tested on were looked at."""
    return times_opened(run.fact("test_openings", []))


def seed_scores(run: RunFolder) -> list[tuple[str, float]]:
    """(seed, score in the metric of the run) of each seed; empty where only one was run."""
    raw = run.results.get("seeds")
    found = []
    for position, entry in enumerate(raw if isinstance(raw, list) else []):
        inner = entry.get("test", entry.get("scores", entry)) if isinstance(entry, dict) else entry
        value = inner.get(run.metric, inner.get("value")) if isinstance(inner, dict) else inner
        value = value.get("value") if isinstance(value, dict) else value
        if math.isfinite(figure_of(value)):
            seed = entry.get("seed", position) if isinstance(entry, dict) else position
            found.append((str(seed)[:40], figure_of(value)))
    return found


def seed_spread(run: RunFolder) -> float:
    """Best minus worst score over the seeds; 0 where only one was run."""
    values = [value for _, value in seed_scores(run)]
    return max(values) - min(values) if values else 0.0
