"""bertune compare: two or more runs on the rows that all of them were tested on, difference by difference."""

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bertune.base import registry
from bertune.base.errors import BertuneError, DataError, ResumeError
from bertune.base.openings import test_digest
from bertune.base.types import Judged, Score
from bertune.base.wording import counted
from bertune.evaluate.intervals import Verdict, difference, interval, verdict
from bertune.runs.fitting import check_metric
from bertune.runs.folder import Folder
from bertune.runs.openings import log_opening
from bertune.runs.seen import seen_rows
from bertune.runs.telling import Silent, Teller

RESAMPLES = 2000
WIDTH = 28  # columns for the name of a run
MOST_ROWS_NAMED = 1_000_000  # a need for more rows than this is told as "more than"
FOUR_OF_FIVE = (1.96 + 0.84) / 1.96  # more than the interval needs, so that a difference is told in 80 of 100 tests
VERDICTS = {"yes": "better", "no": "worse", "cannot tell": "cannot tell"}

Key = tuple[str, str | None, str, int]


@dataclass(frozen=True)
class Comparison:
    """One run beside the first: its score, and where it is not the first the difference to it.

    `verdict` is better, worse or cannot tell; `more_rows` is about how many more test rows would tell a difference of
    this size four times of five, None where it is told already or where there is none.
    """

    run: str
    metric: str
    score: Score
    difference: Score | None = None
    verdict: str | None = None
    more_rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        """The comparison as plain values."""
        return {
            "run": self.run, "metric": self.metric, "score": self.score.as_json(),
            "difference": None if self.difference is None else self.difference.as_json(),
            "verdict": self.verdict, "more_rows": self.more_rows,
        }  # fmt: skip


@dataclass(frozen=True)
class Compared:
    """The comparisons, the first run ahead; rows compared, left out because some run did not answer them, and left
    out because some run had learned from them."""

    comparisons: tuple[Comparison, ...]
    rows: int
    not_in_all: int
    seen: int


def compare(
    runs: Sequence[Any], metric: str | None = None, split: str = "test", teller: Teller | None = None
) -> Compared:
    """Compare runs on their common rows of a split by one metric, by default the one the first run was chosen by.

    `runs` are folders or what `bertune.train` gives. Rows are the same where text, second text and label are. A look at
    test rows is noted in the run.json of each run.
    Raises ResumeError where a run is missing or not done, DataError where runs are of different kinds or have no row in
    common, BertuneError for an unknown metric, RecipeError for one that does not fit the task.
    """
    if len(runs) < 2:
        raise BertuneError("there is nothing to compare.", expected="two runs or more", found=counted(len(runs), "run"))
    folders = [Folder(Path(getattr(run, "path", run))) for run in runs]
    records = [folder.record() for folder in folders]
    name = metric or str(records[0].get("metric", "accuracy"))
    part = registry.load("metrics", name)()
    answers = [_answers(folder, split) for folder in folders]
    _check_kinds(folders, answers)
    check_metric(name, answers[0].task.kind, answers[0].task.name, "--metric")
    common = set(answers[0].rows).intersection(*(a.rows for a in answers[1:]))
    if not common:
        raise DataError(
            f"these runs have no {split} row in common.", where=", ".join(str(f.path) for f in folders),
            expected="runs tested on the same rows",
            next_move="train them with the same --test file, or evaluate each: bertune evaluate RUN labelled.csv",
        )  # fmt: skip
    keys = [key for key in answers[0].rows if key in common]
    seen = _seen(folders, keys)
    kept = [key for key, learned in zip(keys, seen.tolist(), strict=True) if not learned]
    if not kept:
        raise DataError(f"every common {split} row stood in the training rows of one of these runs.",
                        expected="rows that no run has learned from")  # fmt: skip
    classes = tuple(sorted({c for a in answers for c in a.classes}))
    judged = [a.judged(kept, classes) for a in answers]
    first = Comparison(str(folders[0].path), name, interval(part, judged[0], RESAMPLES, 0))
    others = tuple(
        _beside(first, str(f.path), part, judged[0], j) for f, j in zip(folders[1:], judged[1:], strict=True)
    )
    every = {key for a in answers for key in a.rows}
    if split == "test":
        for folder, record in zip(folders, records, strict=True):
            log_opening(folder, test_digest(record.get("test_openings")), len(kept), "compare", teller or Silent())
    return Compared((first, *others), len(kept), len(every) - len(common), int(seen.sum()))


def _beside(first: Comparison, run: str, part: Any, one: Judged, other: Judged) -> Comparison:
    apart = difference(part, other, one, RESAMPLES, 0)
    told = verdict(apart, part.best)
    own = interval(part, other, RESAMPLES, 0)
    return Comparison(run, first.metric, own, apart, VERDICTS[told], rows_needed(apart, told))


def rows_needed(difference: Score, told: Verdict) -> int | None:
    """About how many more rows would tell a difference of this size four times of five; None where it is told already,
    or is none.

    The interval shrinks with the root of the rows; the difference seen on more rows scatters about this one, so that
    half of its interval has to be well below it: by 1.96 / (1.96 + 0.84), normal quantiles.
    Source: Cohen (1988), Statistical Power Analysis, section 2.4.
    """
    if told != "cannot tell" or abs(difference.value) <= 1e-12:
        return None
    half = (difference.high - difference.low) / 2
    to_zero = difference.value - difference.low if difference.value > 0 else difference.high - difference.value
    reach = FOUR_OF_FIVE * max(half, to_zero)
    return max(1, int(np.ceil(difference.n * ((reach / abs(difference.value)) ** 2 - 1))))


@dataclass(frozen=True, eq=False)
class _Answers:
    """What one run answered: rows by their key, the columns of its file, its classes and the task that reads them."""

    rows: dict[Key, int]
    columns: Mapping[str, Sequence[Any]]
    classes: tuple[str, ...]
    task: Any

    def judged(self, keys: Sequence[Key], classes: tuple[str, ...]) -> Judged:
        """Some rows in a set of classes that holds all of the run's own."""
        at = [self.rows[key] for key in keys]
        some = {name: [values[i] for i in at] for name, values in self.columns.items()}
        found: Judged = self.task.judged_again(some, self.classes, classes)
        return found


def _answers(folder: Folder, split: str) -> _Answers:
    path = folder.predictions / f"{split}.parquet"
    record = folder.record()
    if not path.is_file():
        done = record.get("status") == "done"
        raise ResumeError(
            f"this run has no answers to {split} rows.", where=str(folder.path), expected=str(path),
            found=f"a run that is {record.get('status')}",
            next_move="--split valid compares on validation rows" if done and split == "test"
            else f"bertune resume {folder.path}",
        )  # fmt: skip
    if record.get("task") not in registry.names("tasks"):
        raise ResumeError("this run is of no task that is known.", where=str(folder.path),
                          found=repr(record.get("task"))[:60])  # fmt: skip
    table = pq.read_table(path)
    columns = {name: table.column(name).to_pylist() for name in table.column_names if name not in ("file", "row")}
    pairs = columns.get("text_pair", [None] * len(table))
    labels = [json.dumps(label, sort_keys=True) for label in columns["label"]]
    times: Counter[tuple[str, str | None, str]] = Counter()
    rows: dict[Key, int] = {}
    for i, (text, pair, label) in enumerate(zip(columns["text"], pairs, labels, strict=True)):
        rows[text, pair, label, times[text, pair, label]] = i
        times[text, pair, label] += 1
    return _Answers(rows, columns, tuple(record["labels"]), registry.load("tasks", record["task"])())


def _check_kinds(folders: Sequence[Folder], answers: Sequence[_Answers]) -> None:
    for folder, one in zip(folders[1:], answers[1:], strict=True):
        if one.task.kind != answers[0].task.kind:
            raise DataError(
                "these runs answer different things.", where=str(folder.path),
                expected=f"a task as that of {folders[0].path}: {answers[0].task.name}", found=one.task.name,
            )  # fmt: skip


def _seen(folders: Sequence[Folder], keys: Sequence[Key]) -> Any:
    """Whether each row stood in the training rows of one of the runs."""
    texts = [key[0] for key in keys]
    pairs = None if any(key[1] is None for key in keys) else [str(key[1]) for key in keys]
    learned = np.zeros(len(keys), dtype=bool)
    for folder in folders:
        found = seen_rows(folder.seen, texts, pairs)
        if found is not None:
            learned |= found
    return learned


def compare_command(runs: Sequence[str], metric: str | None, split: str, teller: Teller) -> None:
    """Compare runs and print a table (with JSON, one object). Raises BertuneError."""
    found = compare(runs, metric, split, teller)
    if teller.bar == "json":
        entries = [c.as_json() for c in found.comparisons]
        text = "; ".join(_told(c) for c in found.comparisons[1:])
        teller.say("compare", text, rows=found.rows, not_in_all=found.not_in_all, seen=found.seen, runs=entries)
        return
    if found.not_in_all:
        teller.warn(f"{counted(found.not_in_all, 'row')} left out: not every run was tested on them")
    if found.seen:
        teller.warn(f"{counted(found.seen, 'row')} left out: one of the runs has learned from them")
    sys.stdout.write("\n".join(table_lines(found, split)) + "\n")


def table_lines(found: Compared, split: str) -> list[str]:
    """The comparisons as lines of at most 80 columns."""
    first, *others = found.comparisons
    lines = [f"{first.metric} on {counted(found.rows, f'{split} row')} that all runs answered"]
    for c in found.comparisons:
        lines.append(f"{_named(c)} {c.score.value:.3f} [{c.score.low:.3f}, {c.score.high:.3f}]")
    lines += ["", f"against {_named(first).strip()}"]
    for c in others:
        difference, *need = _told(c).split("; ")
        lines += [f"{_named(c)} {difference}", *(f"{'':<{WIDTH}} {words}" for words in need)]
    return lines


def _named(c: Comparison) -> str:
    """The folder, in columns of its own; of a long path the end, which tells runs apart."""
    return c.run.ljust(WIDTH) if len(c.run) <= WIDTH else f"…{c.run[1 - WIDTH :]}"


def _told(c: Comparison) -> str:
    d = c.difference
    assert d is not None
    line = f"{c.verdict}: {d.value:+.3f} [{d.low:+.3f}, {d.high:+.3f}]"
    if c.more_rows is None:
        return line
    if c.more_rows > MOST_ROWS_NAMED:
        return f"{line}; over a million more rows would tell"
    rounded = int(float(f"{c.more_rows:.1e}"))
    return f"{line}; some {counted(rounded, 'more row')} would tell"
