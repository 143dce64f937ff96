"""Reads a run folder: what the sections of the report know of a run. Files only; each is read when it is asked for."""

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq

from bertune.base.errors import DataError
from bertune.base.types import Finding, Score
from bertune.report.entries import (
    Bin,
    Check,
    ClassScore,
    Mistake,
    Step,
    Suspect,
    figure_of,
    figures_of,
    finding_of,
    listed,
    mistake_of,
    scores_of,
    suspect_of,
    whole_of,
)

KINDS = {
    "regression": "value", "multi_label": "labels", "token_classification": "spans",
    "question_answering": "answer", "multiple_choice": "choice",
}  # fmt: skip
FINISHED = ("done", "finished", "complete", "completed")


class RunFolder:
    """A run folder, read lazily. A file that is missing reads as empty; one that is damaged raises DataError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.resolve().name

    @property
    def shown(self) -> str:
        """The folder as commands name it: `runs/sms-1`, or its own name elsewhere. No part of the machine's paths."""
        parent = self.path.resolve().parent.name
        return f"runs/{self.name}" if parent == "runs" else self.name

    def _text(self, name: str) -> str | None:
        path = self.path / name
        if not path.is_file():
            return None
        try:
            return path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError) as error:
            raise self._damaged(name, type(error).__name__) from None

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Within, values of the run's files that are none of their kind raise DataError: `what` cannot be made."""
        try:
            yield
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
            raise DataError(
                f"{what} cannot be made: a file of the run holds what bertune does not write there.",
                where=str(self.path),
                found=f"{type(error).__name__}: {str(error)[:120]}",
                next_move="restore the run's files from a copy, or repeat the run from its recipe.toml",
            ) from error

    def _damaged(self, name: str, found: str) -> DataError:
        return DataError(
            "this file of the run cannot be read.",
            where=str(self.path / name),
            found=found,
            next_move="restore it from a copy of the run, or repeat the run from its recipe.toml",
        )

    def _json(self, name: str, kind: type) -> Any:
        text = self._text(name)
        if text is None:
            return kind()
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._damaged(name, f"not JSON ({type(error).__name__})") from None
        if not isinstance(value, kind):
            raise self._damaged(name, f"a {type(value).__name__} where a {kind.__name__} belongs")
        return value

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What run.json holds."""
        return cast(dict[str, Any], self._json("run.json", dict))

    def fact(self, dotted: str, default: Any = None) -> Any:
        """One fact of run.json by its dotted key; `default` where there is none."""
        value: Any = self.facts
        for key in dotted.split("."):
            if not isinstance(value, Mapping) or value.get(key) is None:
                return default
            value = value[key]
        return value

    def table(self, dotted: str) -> dict[str, Any]:
        """A table of run.json by its dotted key; empty where there is none."""
        value = self.fact(dotted)
        return value if isinstance(value, dict) else {}

    @cached_property
    def recipe(self) -> dict[str, Any]:
        """The recipe as {dotted key: value}."""
        text = self._text("recipe.toml")
        try:
            return dict(_leaves(tomllib.loads(text or "")))
        except (ValueError, RecursionError):
            raise self._damaged("recipe.toml", "not TOML") from None

    @property
    def examples(self) -> int:
        """How many rows each list of examples shows (report.examples)."""
        value = self.recipe.get("report.examples", 50)
        return value if isinstance(value, int) else 50

    @property
    def finished(self) -> bool:
        """Whether training came to its own end."""
        return self.fact("status", "done") in FINISHED

    @property
    def kind(self) -> str:
        """What the model answers with: class, choice (of several), labels, value, spans or answer (a text)."""
        return KINDS.get(str(self.fact("task"))) or str(self.fact("kind", "class"))

    @property
    def head(self) -> str:
        """How the network answers, as the door `heads` names it; empty where the run does not say."""
        return str(self.fact("head", ""))

    @property
    def windowed(self) -> bool:
        """Whether texts longer than the limit are read in several windows, so that nothing of them is lost."""
        return bool(self.fact("lengths.windows", self.kind in ("spans", "answer")))

    @property
    def types(self) -> tuple[str, ...]:
        """The types of entities, where the classes are tags that spell them."""
        return tuple(dict.fromkeys(c.partition("-")[2] or c for c in self.classes if c != "O"))

    @property
    def metric(self) -> str:
        """The metric that the run was selected by."""
        chosen = self.fact("metric") or self.fact("best.metric")
        return str(chosen) if chosen else next(iter(self.scores("test")), "accuracy")

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What was noticed in the data, worst first."""
        order = {"error": 0, "warning": 1, "note": 2}
        found = [finding_of(f) for f in self._json("findings.json", list) if isinstance(f, dict)]
        return tuple(sorted(found, key=lambda f: order[f.severity]))

    @cached_property
    def history(self) -> tuple[dict[str, Any], ...]:
        """The events of the kept seed and student, without a last line that was cut off while it was written."""
        seed = self.fact("kept_seed", self.fact("seed"))
        name = "history.jsonl" if seed == self.fact("seed") else f"seeds/{int(seed)}/history.jsonl"
        if taught := whole_of(self.fact("self_training.kept_round")):
            name = f"rounds/{taught}/{name}"
        lines = (self._text(name) or "").splitlines()
        events = []
        for position, line in enumerate(lines):
            try:
                event = json.loads(line) if line.strip() else None
            except (ValueError, RecursionError):
                if position < len(lines) - 1:
                    raise self._damaged(name, f"line {position + 1} is not JSON") from None
                continue
            if isinstance(event, dict):
                events.append(event)
        return tuple(events)

    @property
    def guesses(self) -> int:
        """How many guesses on unlabelled rows the kept weights were learnt from."""
        kept, rounds = whole_of(self.fact("self_training.kept_round")), listed(self.fact("self_training.rounds"))
        entry = rounds[kept - 1] if 0 < kept <= len(rounds) else None
        return whole_of(entry.get("learnt")) if isinstance(entry, dict) else 0

    @property
    def planned_steps(self) -> int:
        """The steps that the run was to take at most; 0 where unknown."""
        started = [e.get("steps") for e in self.history if e.get("event") == "started"]
        found = started[-1] if started else self.fact("plan.steps")
        return found if isinstance(found, int) else 0

    @cached_property
    def _last_attempt(self) -> tuple[dict[str, Any], ...]:
        """The events since training last began anew: a collapsed run is started once more, a resumed one goes on."""
        begun = [n for n, e in enumerate(self.history) if e.get("event") == "started" and not e.get("step")]
        return self.history[begun[-1] :] if begun else self.history

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The updates in order."""
        return tuple(
            Step(int(e["step"]), figure_of(e.get("epoch")), figure_of(e.get("loss")), figure_of(e.get("learning_rate")))
            for e in self._last_attempt
            if e.get("event") == "stepped" and isinstance(e.get("step"), int)
        )

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The looks at the validation rows in order."""
        return tuple(
            Check(int(e["step"]), figure_of(e.get("epoch")), figure_of(e.get("loss")), figures_of(e.get("scores")))
            for e in self._last_attempt
            if e.get("event") == "evaluated" and e.get("split", "valid") == "valid" and isinstance(e.get("step"), int)
        )

    @cached_property
    def results(self) -> dict[str, Any]:
        """What scores.json holds."""
        return cast(dict[str, Any], self._json("scores.json", dict))

    def scores(self, split: str = "test") -> dict[str, Score]:
        """The scores of a split by metric."""
        return scores_of(self.results.get(split))

    @property
    def judged_on(self) -> str:
        """The split that the confusion matrix, baselines and mistakes are of: `test`, or `valid` where none is."""
        return "valid" if self.results.get("judged_on") == "valid" else "test"

    @cached_property
    def baselines(self) -> dict[str, dict[str, Score]]:
        """The scores of each baseline by metric."""
        raw = self.results.get("baselines")
        return {str(k): scores_of(v) for k, v in raw.items()} if isinstance(raw, Mapping) else {}

    @property
    def score(self) -> Score | None:
        """The test score in the metric of the run; None where nothing was tested."""
        return self.scores("test").get(self.metric)

    @property
    def compared(self) -> dict[str, Any]:
        """The comparison with the best baseline: baseline, metric, verdict, difference; empty where there is none."""
        value = self.results.get("better_than_baseline")
        return value if isinstance(value, dict) else {}

    @property
    def best_baseline(self) -> tuple[str, Score] | None:
        """Name and score of the best baseline in the metric of the run."""
        known = {name: scores[self.metric] for name, scores in self.baselines.items() if self.metric in scores}
        if not known:
            return None
        named = self.compared.get("baseline")
        best = named if isinstance(named, str) and named in known else max(known, key=lambda name: known[name].value)
        return str(best), known[best]

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names."""
        found = listed(self.results.get("classes")) or listed(self.fact("labels"))
        return tuple(str(c) for c in found)

    @cached_property
    def confusion(self) -> list[list[int]]:
        """Rows: the class it was; columns: the answer; cells: test rows. Empty where unknown or not square."""
        raw, n = self.results.get("confusion"), len(self.classes)
        good = isinstance(raw, list) and len(raw) == n and all(isinstance(r, list) and len(r) == n for r in raw)
        return [[whole_of(c) for c in row] for row in raw] if good and isinstance(raw, list) else []

    @cached_property
    def per_class(self) -> tuple[ClassScore, ...]:
        """How each class is recognised on the test rows."""
        raw = self.results.get("per_class")
        return tuple(
            ClassScore(
                str(c.get("class")),
                figure_of(c.get("precision")),
                figure_of(c.get("recall")),
                figure_of(c.get("f1")),
                whole_of(c.get("n")),
                figure_of(c.get("low")),
                figure_of(c.get("high")),
                figure_of(c.get("threshold")),
            )
            for c in (raw if isinstance(raw, list) else ())
            if isinstance(c, dict)
        )

    @cached_property
    def predictions(self) -> Any:
        """The predictions judged, an Arrow table; None where there are none.

        The probabilities of all classes are left out where nothing is read from them.
        """
        name = f"predictions/{self.judged_on}.parquet"
        path = self.path / name
        if not path.is_file():
            return None
        try:
            file = pq.ParquetFile(path)
            needless = () if self.kind in ("labels", "choice") else ("probabilities",)
            kept = [c for c in file.schema_arrow.names if c not in needless]
            return file.read(columns=kept)
        except (ValueError, OSError) as error:
            raise self._damaged(name, type(error).__name__) from None

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of the predictions judged, in their order; empty where none has a label."""
        table = self.predictions
        if table is None or not {"label", "prediction"} <= set(table.column_names):
            return []
        return cast(list[dict[str, Any]], table.to_pylist())

    @cached_property
    def judged(self) -> tuple[int, tuple[Mistake, ...]]:
        """Rows with a label, and the wrong answers among them, the most confident first."""
        rows = [r for r in self.rows if r["label"] is not None]
        wrong = [mistake_of(r) for r in rows if str(r["label"]) != str(r["prediction"])]
        return len(rows), tuple(sorted(wrong, key=lambda m: (-m.probability, m.place.file, m.place.row)))

    @cached_property
    def suspects(self) -> tuple[Suspect, ...]:
        """Training rows whose label may be wrong, the most doubtful first."""
        found = [suspect_of(s) for s in self._json("suspects.json", list) if isinstance(s, dict)]
        return tuple(found)

    @property
    def calibration(self) -> dict[str, Any]:
        """The calibration table of scores.json; empty where there is none."""
        value = self.results.get("calibration")
        return value if isinstance(value, dict) else {}

    def bins(self, when: str) -> tuple[Bin, ...]:
        """The filled bins of the reliability diagram `before` or `after` temperature."""
        side = self.calibration.get(when)
        raw = side.get("bins") if isinstance(side, dict) else None
        bins = [
            Bin(figure_of(b.get("confidence")), figure_of(b.get("accuracy")), whole_of(b.get("n")))
            for b in (raw if isinstance(raw, list) else ())
            if isinstance(b, dict)
        ]
        return tuple(b for b in bins if b.n and math.isfinite(b.confidence) and math.isfinite(b.accuracy))


def _leaves(raw: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in raw.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
