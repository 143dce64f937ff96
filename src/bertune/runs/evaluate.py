"""bertune evaluate: scores of a trained model on labelled rows, with intervals; every look is logged."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from rich.cells import set_cell_size

from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.files import FILES
from bertune.base.recipe import read_toml
from bertune.base.types import Examples, Judged, Roles, Score, Table, Tuned
from bertune.base.wording import counted
from bertune.data.table import read
from bertune.engine.interrupt import Watch
from bertune.evaluate.saved import SavedModel
from bertune.evaluate.scores import score
from bertune.evaluate.slices import Slice, as_json, slices
from bertune.runs.answers import shortened, shown
from bertune.runs.folder import Folder
from bertune.runs.new_rows import as_trained, reading_settings, roles_for
from bertune.runs.openings import log_opening, rows_digest
from bertune.runs.parts import columns_there, parts_of
from bertune.runs.predict import open_model, predict_examples
from bertune.runs.seen import seen_rows
from bertune.runs.telling import Teller

RESAMPLES = 1000
LISTED_ROWS = 20
NAMED_LABELS = 5
SHOWN_CLASSES = 30


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Scores of a model on labelled rows.

    `scores` has every metric with its interval; `seen` is how many of the judged rows stood in the training rows
    (None where the run folder does not know) and `without_seen` the scores without them; `unknown` lists labels that
    the model does not know, with count and first rows; `unlabelled` and `refused` are rows left out; `slices` has the
    metric of the run by column and value; `positions` tells that the classes are places in a list of choices.
    """

    scores: Mapping[str, Score]
    judged: Judged
    metric: str
    unlabelled: int
    refused: int
    cut: int
    kind: str
    unknown: tuple[Mapping[str, Any], ...] = ()
    seen: int | None = None
    without_seen: Mapping[str, Score] | None = None
    digest: str = ""
    slices: Mapping[str, Mapping[str, Slice]] = field(default_factory=dict)
    positions: bool = False

    def as_json(self) -> dict[str, Any]:
        """Everything as plain values, as `--out` writes it."""
        return {
            "rows": len(self.judged), "metric": self.metric, "scores": as_json(self.scores),
            **self.details(), "classes": list(self.judged.classes), "unlabelled": self.unlabelled,
            "refused": self.refused, "cut": self.cut, "unknown_labels": [dict(u) for u in self.unknown],
            "seen_in_training": self.seen,
            "without_seen": None if self.without_seen is None else as_json(self.without_seen),
            "slices": {column: as_json(found) for column, found in self.slices.items()}, "data_digest": self.digest,
        }  # fmt: skip

    def details(self) -> dict[str, Any]:
        """The tables beside the scores, as they stand in scores.json."""
        part = registry.load("details", f"of_{self.kind}")()
        return dict(part(self.judged, None, Tuned(), RESAMPLES, 0))


def evaluate_table(
    saved: SavedModel, table: Table, roles: Roles, run: Folder, watch: Watch | None = None,
    columns: Sequence[str] = (),
) -> Evaluation:  # fmt: skip
    """Scores on the labelled rows of a table, and by the values of these columns.

    Raises DataError where no row has a label that the model knows, or where a column is missing.
    """
    columns_there(table, columns, "--slice ")
    task, classes = saved.task, saved.about.classes
    examples = as_trained(saved, table, roles)
    assert examples.gold is not None
    gold = _spelt(examples.gold, saved, run)
    examples = replace(examples, gold=gold)
    right = task.known(gold, classes)
    unknown = _unknown(task, table, gold, right)
    if not right.any():
        raise _no_label(table, roles, saved, unknown)
    known = np.flatnonzero(right)
    asked = task.completed(examples.take(known), False)
    answered = predict_examples(saved, asked, poll=watch.poll if watch else lambda: None)
    if not len(answered.good):
        raise DataError("no labelled row has a text.", where=table.files[0], expected=f"texts in {roles.text!r}")
    rows = known[answered.good]
    asked = asked.take(answered.good)
    judged = task.judged(asked, answered.guesses, classes)
    names = list(dict.fromkeys([saved.about.metric, *task.metrics]))
    parts = parts_of(table, rows, columns)
    found = Evaluation(
        score(judged, names, RESAMPLES, 0), judged, saved.about.metric, sum(value is None for value in gold),
        len(known) - len(rows), int(answered.cut.sum()), task.kind, unknown, digest=rows_digest(table, rows, roles),
        slices=slices(judged, parts, saved.about.metric, RESAMPLES, 0), positions=task.loss_kind == "position",
    )  # fmt: skip
    return _without_seen(found, names, asked, run)


def _spelt(gold: Sequence[Any], saved: SavedModel, run: Folder) -> Sequence[Any]:
    """Labels as the model spells them, where training took spellings that differ in case and spaces for one."""
    if not run.recipe.is_file() or read_toml(run.recipe).get("data.label_spelling") != "merge":
        return gold
    spelling = {name.strip().casefold(): name for name in saved.about.classes}
    return [None if label is None else spelling.get(label.strip().casefold(), label) for label in gold]


def _unknown(task: Any, table: Table, gold: Sequence[Any], known: Any) -> tuple[Mapping[str, Any], ...]:
    """The labels that the model does not know, the commonest first, with count and first places."""
    there = [i for i in np.flatnonzero(~known).tolist() if gold[i] is not None]
    labels = {i: str(task.shown(gold[i])) for i in there}
    counts = Counter(labels.values())
    places: dict[str, list[dict[str, Any]]] = {label: [] for label in counts}
    for i, label in labels.items():
        if len(places[label]) < LISTED_ROWS:
            place = table.place(i)
            places[label].append({"file": place.file, "row": place.row})
    return tuple({"label": k, "count": n, "rows": places[k]} for k, n in counts.most_common())


def _no_label(table: Table, roles: Roles, saved: SavedModel, unknown: Sequence[Mapping[str, Any]]) -> DataError:
    names = [repr(u["label"]) for u in unknown[:NAMED_LABELS]]
    known = [repr(c) for c in saved.about.classes[:NAMED_LABELS]]
    return DataError(
        "no row has a label that this model knows.",
        where=table.files[0],
        expected=", ".join(known) + (", …" if len(saved.about.classes) > NAMED_LABELS else ""),
        found=f"in column {roles.label!r}: " + (", ".join(names) or "no labels")
        + (", …" if len(unknown) > NAMED_LABELS else ""),
        next_move="name the label column: --label COLUMN",
    )  # fmt: skip


def _without_seen(found: Evaluation, names: list[str], asked: Examples, run: Folder) -> Evaluation:
    """The same with the rows counted that the model learned from, and the scores without them."""
    texts, pairs = cast("Sequence[str]", asked.texts), cast("Sequence[str] | None", asked.pairs)
    seen = seen_rows(run.seen, texts, pairs)
    if seen is None:
        return found
    rest = None
    if seen.any() and not seen.all():
        rest = score(found.judged.take(np.flatnonzero(~seen)), names, RESAMPLES, 0)
    return replace(found, seen=int(seen.sum()), without_seen=rest)


def evaluate_command(
    run: str, data: str, out: str | None, columns: Mapping[str, str | None], teller: Teller,
    settings: Sequence[str] = (), by: Sequence[str] = (),
) -> None:  # fmt: skip
    """Score a model on labelled rows and print a table (with JSON, one object); `out` receives the scores as JSON.

    Of a source that names its splits, the test rows are read. `columns` overrides the columns of the training data;
    `settings` may say how the file is read; `by` names columns by whose values the scores are given too.
    Raises BertuneError.
    """
    if out is not None and Path(out).is_dir():
        raise DataError("this is a folder.", where=out, expected="the name of a file")
    with Watch() as watch:
        saved = open_model(run)
        folder = Folder(Path(run))
        table = read(data, reading_settings(settings), given="test")
        if not len(table):
            raise DataError("there are no rows.", where=data, expected="labelled rows")
        roles, said = roles_for(table, saved, columns, need_label=True)
        if said:
            teller.warn(said)
        found = evaluate_table(saved, table, roles, folder, watch, by)
    log_opening(folder, found.digest, len(found.judged), "evaluate", teller)
    _warn(found, teller, saved)
    if teller.bar == "json":
        teller.say("scores", _line(found), **found.as_json())
    else:
        sys.stdout.write("\n".join(report_lines(found)) + "\n")
    if out is not None:
        FILES.write_json(Path(out), found.as_json())
        if teller.bar != "json":
            teller.say("written", out)


def _warn(found: Evaluation, teller: Teller, saved: SavedModel) -> None:
    if teller.bar == "json":
        return  # all of it stands in the one object
    for entry in found.unknown[:NAMED_LABELS]:
        rows = ", ".join(f"{place['row']:,}" for place in entry["rows"][:NAMED_LABELS])
        more = ", …" if entry["count"] > NAMED_LABELS else ""
        teller.warn(
            f"{entry['count']:,} rows left out: the model knows no label {entry['label']!r} (rows {rows}{more})"
        )
    if len(found.unknown) > NAMED_LABELS:
        teller.warn(f"and {len(found.unknown) - NAMED_LABELS:,} more unknown labels; all of them: --out scores.json")
    if found.unlabelled:
        teller.warn(f"{counted(found.unlabelled, 'row')} without a label left out")
    if found.refused:
        teller.warn(f"{counted(found.refused, 'labelled row')} without a text left out")
    if found.cut:
        teller.warn(f"{counted(found.cut, 'text')} cut at {saved.about.max_length} tokens, the length of training")
    if found.seen:
        teller.warn(f"{found.seen:,} of these rows stood in the training rows: the scores may flatter")


def _line(found: Evaluation) -> str:
    s = found.scores[found.metric]
    return f"{found.metric} {s.value:.3f} [{s.low:.3f}, {s.high:.3f}] on {s.n:,} rows"


def report_lines(found: Evaluation) -> list[str]:
    """The scores and the classes as lines of at most 80 columns."""
    lines = [f"{len(found.judged):,} rows" + (f" · {found.seen:,} seen in training" if found.seen else "")]
    rest = found.without_seen
    wide = max(20, *(len(name) + 1 for name in found.scores))
    lines.append(f"{'':<{wide}}{'value':>7}   95 % interval   " + ("  without rows seen in training" if rest else ""))
    for name, s in found.scores.items():
        other = "" if rest is None else f"  {rest[name].value:.3f} [{rest[name].low:.3f}, {rest[name].high:.3f}]"
        lines.append(f"{name:<{wide}}{s.value:>7.3f}   [{s.low:.3f}, {s.high:.3f}]  {other}".rstrip())
    lines += _detail_lines(found)
    for column, values in found.slices.items():
        lines += ["", f"{found.metric} by {shortened(shown(column), 50)}"]
        lines += [_slice_line(value, one) for value, one in values.items()]
    if any(one.below for values in found.slices.values() for one in values.values()):
        lines.append("below the rest: a chance of at most 5 % over all slices together (Holm)")
    return lines


def _detail_lines(found: Evaluation) -> list[str]:
    """Kinds of mistakes, how far off numbers are, and the classes (labels, types) with the lowest F1."""
    details, lines = found.details(), []
    if "mistakes" in details:
        counts = ", ".join(f"{name} {entry['n']:,}" for name, entry in details["mistakes"].items())
        lines += ["", f"{'entities' if found.kind == 'spans' else 'answers'}: {counts}"]
    bands = details.get("values", {}).get("bands", ())
    lines += [""] if bands else []
    for band in bands:
        between = f"gold {band['low']:.4g} to {band['high']:.4g}"
        lines.append(f"{between:<34}off by {band['absolute_error']:.4g} on average · {band['n']:,} rows")
    classes = [] if found.positions else sorted(details.get("per_class", ()), key=lambda c: c["f1"])
    noun, nouns = {"labels": ("label", "labels"), "spans": ("type", "types")}.get(found.kind, ("class", "classes"))
    if classes:
        lines += ["", f"{noun:<34}{'precision':>11}{'recall':>11}{'f1':>11}{'rows':>11}"]
    for entry in classes[:SHOWN_CLASSES]:
        name = set_cell_size(shortened(shown(entry["class"]), 33), 34)
        numbers = "".join(f"{entry[k]:>11.3f}" for k in ("precision", "recall", "f1"))
        lines.append(f"{name}{numbers}{entry['n']:>11,}")
    if len(classes) > SHOWN_CLASSES:
        lines.append(f"and {len(classes) - SHOWN_CLASSES:,} {nouns} with a higher f1; all of them: --out scores.json")
    return lines


def _slice_line(value: str, one: Slice) -> str:
    s = one.score
    name = set_cell_size(shortened(shown(value), 29), 30)
    remarks = [*(["below the rest"] if one.below else []), *(["few rows"] if one.few else [])]
    return f"{name}{s.value:.3f} [{s.low:.3f}, {s.high:.3f}]{s.n:>9,}  {', '.join(remarks)}".rstrip()
