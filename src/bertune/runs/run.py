"""A run in the hands of a program: its model, scores, findings and history."""

import html
import math
import signal
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bertune.base.errors import DataError, ResumeError
from bertune.base.files import FILES
from bertune.base.sections import DataSection
from bertune.base.types import Finding, Place, Score, Table
from bertune.data.frames import MEMORY, table_of
from bertune.data.table import read
from bertune.engine.interrupt import Interrupted
from bertune.evaluate.saved import SavedModel, load
from bertune.evaluate.slices import Slice
from bertune.runs.answers import Answered
from bertune.runs.corpus import Corpus, check_vectors, opened
from bertune.runs.endings import events
from bertune.runs.evaluate import Evaluation, evaluate_table
from bertune.runs.folder import Folder
from bertune.runs.new_rows import as_trained, roles_for
from bertune.runs.openings import log_opening
from bertune.runs.predict import open_model, predict_examples, predict_rows
from bertune.runs.rerank import Reranker
from bertune.runs.search import Asked, Hit, cleaned, search
from bertune.runs.telling import Silent


@dataclass(frozen=True)
class Prediction:
    """The answer to one text: label, its probability, and the probability of every label.

    A text that cannot be answered (an empty one) has the label None, no probabilities, and `problem` says why. What the
    label is goes by the task: a class, a number, a list of labels or of spans; `more` has the further fields of a task.
    """

    label: Any
    probability: float | None
    probabilities: dict[str, float]
    problem: str | None = None
    more: dict[str, Any] = field(default_factory=dict)


class Scores(dict[str, Score]):
    """Scores by the name of the metric, with 95 % intervals, and what else an evaluation found.

    `slices` has the score of the run's metric by column and value; `seen` is how many of the rows stood in the training
    rows (None where the run does not know), `without_seen` the scores without those.
    """

    def __init__(self, found: Evaluation) -> None:
        super().__init__(found.scores)
        self.slices: dict[str, dict[str, Slice]] = {column: dict(own) for column, own in found.slices.items()}
        self.seen = found.seen
        self.without_seen = None if found.without_seen is None else dict(found.without_seen)


class Run:
    """A run folder: predicts, evaluates, and tells what came out of training. Made by `bertune.train` or `load`."""

    def __init__(self, path: str | Path) -> None:
        self._folder = Folder(Path(path))
        self._record = self._folder.record()

    @property
    def path(self) -> Path:
        """The run folder."""
        return self._folder.path

    @property
    def also(self) -> "dict[str, Run]":
        """The runs of the tasks that were learnt together with this one, by name."""
        return {path.name: Run(path) for path in sorted(self._folder.also.glob("*"))}

    @property
    def model_path(self) -> Path:
        """The folder of the plain transformers model."""
        return self._folder.model

    @property
    def report(self) -> Path:
        """The file report.html."""
        return self._folder.report

    @property
    def status(self) -> str:
        """Where the run stands: running, stopped (`bertune.resume` goes on) or done."""
        return str(self._record.get("status", "running"))

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the model tells apart, in the order of its classes."""
        return tuple(self._record.get("labels", ()))

    @cached_property
    def scores(self) -> dict[str, Any]:
        """What scores.json holds: scores of each split with intervals, baselines, calibration. Empty before the end."""
        found = self._json(self._folder.scores, {})
        return found if isinstance(found, dict) else {}

    @cached_property
    def findings(self) -> list[Finding]:
        """What was noticed in the data."""
        entries = self._json(self._folder.findings, [])
        return [_finding(entry) for entry in entries]

    def history(self) -> list[dict[str, Any]]:
        """The events of training, in order: steps with loss and learning rate, checks with scores, the stop."""
        return events(self.path)

    @staticmethod
    def _json(path: Path, otherwise: Any) -> Any:
        return FILES.read_json(path) if path.is_file() else otherwise

    @cached_property
    def _saved(self) -> SavedModel:
        if self.status != "done":
            raise ResumeError(
                "this run has no model yet.", where=str(self.path), expected="a run that is done", found=self.status,
                next_move=f"bertune resume {self.path}, or bertune.resume({str(self.path)!r})",
            )  # fmt: skip
        return open_model(self.path)

    def predict(
        self, texts: Iterable[Any], pairs: Iterable[Any] | None = None, *, precision: str = "auto"
    ) -> list[Prediction]:
        """The answers to texts, in their order.

        `texts` is a list, series or array of texts; for a model of pairs either with second texts in `pairs`, or a
        list of (text, second text). Of a frame, a dict of lists or a list of dicts the columns of training are read:
        so are rows with choices or tokens given. None, NaN and blank texts come back with the label None.
        `precision` is fp32, bf16 or auto. With auto, labels are those of fp32; of more than 128 rows most probabilities
        come from bf16 where the machine computes it, and are off by up to some hundredths. Numbers, vectors and spans
        are fp32 unless bf16 is asked for.
        Raises DataError for anything else, naming the row.
        """
        if pairs is None and _has_columns(texts):
            table = table_of(texts)
            roles, _ = roles_for(table, self._saved, {})
            examples = as_trained(self._saved, table, roles)
            return _predictions(predict_examples(self._saved, examples, precision=precision))
        firsts, seconds = _listed(texts, "texts"), None if pairs is None else _listed(pairs, "pairs")
        single = self._saved.task.alone and all(isinstance(row, str) for row in firsts)
        if seconds is None and self._saved.pairs and not single:
            firsts, seconds = _unzipped(firsts)
        answered = predict_rows(
            self._saved, [_text(t, i) for i, t in enumerate(firsts)],
            None if seconds is None else [_text(t, i) for i, t in enumerate(seconds)], precision=precision,
        )  # fmt: skip
        return _predictions(answered)

    def search(
        self, corpus: Any, queries: str | Sequence[str], *, top: int = 10, text: str | None = None,
        index: str | Path | None = None, rerank: Any = None, right: str | None = None, candidates: int = 100,
    ) -> list[list[Hit]]:  # fmt: skip
        """The `top` texts of a corpus nearest to each query, the best first; for runs that give vectors.

        `corpus` is a path, a folder that an earlier `index` named, or rows in memory; `text` names the column of its
        texts, `index` a folder that keeps their vectors. `rerank` is a run of pairs that puts the nearest `candidates`
        in order, `right` its class of pairs that belong together. Raises DataError, ModelError.
        """
        check_vectors(self._saved)
        if not isinstance(top, int) or not isinstance(candidates, int) or min(top, candidates) < 1:
            raise DataError("top and candidates are whole numbers from 1.", found=f"{top!r}, {candidates!r}")
        named = None if rerank is None else Reranker.open(str(getattr(rerank, "path", rerank)), right)
        asked = cleaned(self._saved, [queries] if isinstance(queries, str) else _listed(queries, "queries"))
        searched = Corpus(corpus, text, None if index is None else Path(index))
        with opened(self._saved, searched, Silent()) as made:
            return list(search(self._saved, made, asked, Asked(top, candidates, named)))

    def evaluate(
        self, data: Any, *, text: str | None = None, text_pair: str | None = None, label: str | None = None,
        slices: Sequence[str] = (),
    ) -> Scores:  # fmt: skip
        """Scores with 95 % intervals on labelled rows: a path, frame, dict of lists, or list of (text, label).

        The columns are those of training unless named; `slices` names columns by whose values the score is given too.
        The look is noted in run.json. Raises DataError.
        """
        table = table_from(data, "test")
        columns = {"text": text, "text_pair": text_pair, "label": label}
        roles, _ = roles_for(table, self._saved, columns, need_label=True)
        found = evaluate_table(self._saved, table, roles, self._folder, columns=slices)
        log_opening(self._folder, found.digest, len(found.judged), "evaluate", Silent())
        return Scores(found)

    def transformers(self) -> tuple[Any, Any]:
        """The plain transformers model (in eval mode, on the processor) and its tokenizer, yours to change."""
        saved = load(self.path)
        return saved.model.network, saved.tokenizer.inner

    def _shown(self) -> list[tuple[str, str]]:
        name = self.scores.get("judged_on")
        rows = self.scores.get(name, {}) if name else {}
        return [
            (metric, f"{s['value']:.3f} [{s['low']:.3f}, {s['high']:.3f}] on {s['n']:,} {name} rows")
            for metric, s in rows.items()
        ]

    def __repr__(self) -> str:
        shown = self._shown()
        return f"<Run {self.path} · {self.status}" + (f" · {shown[0][0]} {shown[0][1]}" if shown else "") + ">"

    def _repr_html_(self) -> str:
        """For notebooks: the folder and the scores as a table."""
        cells = "".join(
            f"<tr><th style='text-align:left'>{html.escape(metric)}</th><td style='text-align:left'>{html.escape(text)}"
            "</td></tr>"
            for metric, text in self._shown()
        )
        head = f"<strong>{html.escape(str(self.path))}</strong> · {html.escape(self.status)}"
        labels = ", ".join(html.escape(label) for label in self.labels[:10]) + (", …" if len(self.labels) > 10 else "")
        return f"<div>{head}<br>{labels}<table>{cells}</table></div>"


def ended(stop: Interrupted, next_move: str) -> BaseException:
    """What Python programs expect when a signal ends something: KeyboardInterrupt, or an exit with code 3."""
    return KeyboardInterrupt(f"stopped; {next_move}") if stop.number == signal.SIGINT else SystemExit(3)


def table_from(data: Any, split: str | None = None) -> Table:
    """The rows of a path (of one split, where the source names splits) or of anything in memory."""
    if isinstance(data, (str, Path)):
        return read(str(data), DataSection(), given=split)
    return table_of(data)


def _finding(entry: dict[str, Any]) -> Finding:
    rows = tuple(Place(r["file"], r["row"], r.get("line")) for r in entry.get("rows", ()))
    return Finding(entry["code"], entry["severity"], entry["message"], entry["fix"], rows, entry.get("count", 0))


def _has_columns(values: Any) -> bool:
    """Whether these are rows with named columns: a frame, a dict of lists, a list of dicts."""
    if isinstance(values, Mapping) or hasattr(values, "columns") or hasattr(values, "column_names"):
        return True
    return isinstance(values, list) and len(values) > 0 and all(isinstance(value, Mapping) for value in values)


def _listed(values: Any, name: str) -> list[Any]:
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable) or hasattr(values, "columns"):
        raise DataError(
            f"{name} must be a list.", expected="a list, series or array of texts", found=type(values).__name__,
            next_move="run.predict([text]) answers one text; of a frame: run.predict(frame['text'])",
        )  # fmt: skip
    return [value.as_py() if hasattr(value, "as_py") else value for value in values]


def _unzipped(rows: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    for i, row in enumerate(rows):
        if isinstance(row, str) or not hasattr(row, "__len__") or len(row) != 2:
            raise DataError(
                "this model reads pairs of texts.", where=f"{MEMORY} row {i + 1:,}", expected="(text, second text)",
                found=type(row).__name__, next_move="run.predict(texts, pairs)",
            )  # fmt: skip
    return [row[0] for row in rows], [row[1] for row in rows]


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: None, NaN, pandas' NA."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ == "NAType"


def _text(value: Any, position: int) -> str | None:
    """A text, or None where missing (None, NaN, pandas' NA)."""
    if isinstance(value, str):
        return str(value)
    if is_missing(value):
        return None
    found = type(value).__name__
    raise DataError("this is no text.", where=f"{MEMORY} row {position + 1:,}", expected="a text", found=found)


def _predictions(answered: Answered) -> list[Prediction]:
    made = []
    for i, problem in enumerate(answered.problems):
        if problem is not None:
            made.append(Prediction(None, None, {}, problem))
            continue
        told = answered.answer(i)
        label, chance, chances = told.pop("prediction"), told.pop("probability", None), told.pop("probabilities", {})
        made.append(Prediction(label, chance, chances, None, told))
    return made
