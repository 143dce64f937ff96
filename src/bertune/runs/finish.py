"""After the loop: calibrate on validation, open the test set once, write scores, predictions, model and report."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bertune.base import registry
from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Answers, Examples, Guesses, Ints, Judged, Tuned
from bertune.base.version import VERSION
from bertune.data.duplicates import leaked
from bertune.data.store import TokenStore
from bertune.engine.devices import Compute
from bertune.engine.interrupt import Watch
from bertune.evaluate.intervals import difference, verdict
from bertune.evaluate.saved import About, fold, save
from bertune.evaluate.scores import score
from bertune.evaluate.slices import as_json, slices
from bertune.model.encoder import Model
from bertune.runs.answers import in_column
from bertune.runs.build import Stores
from bertune.runs.folder import Folder
from bertune.runs.judge import answers_of, judged_as, tuned_on
from bertune.runs.parts import own_parts, parts_of
from bertune.runs.prepare import Prepared


@dataclass(eq=False)
class Finish:
    """Judges the kept weights and writes what a run leaves behind."""

    recipe: Recipe
    prepared: Prepared
    stores: Stores
    folder: Folder
    compute: Compute
    watch: Watch
    metric: str

    def run(self, model: Model) -> dict[str, Any]:
        """Write scores.json, predictions/ and model/; gives what scores.json holds, and the speed of prediction."""
        self.speed = 0.0
        valid = self._answers(model, self.stores.valid)
        tuned = self._tuned(valid)
        fold(model, tuned)
        scores: dict[str, Any] = {}
        scaled = None if valid is None else valid.scaled(tuned)
        for name, answers in (("valid", scaled), ("test", self._answers(model, self.stores.test))):
            if answers is not None:
                guesses, judged = self._judged(name, answers, tuned)
                scores[name] = self._scores(judged)
                self._write_predictions(name, guesses)
                self._details(scores, name, judged, answers, tuned)
        self._save_model(model, tuned)
        scores["classes"] = list(self.prepared.classes)
        return scores

    def _answers(self, model: Model, store: TokenStore | None) -> Answers | None:
        """Answers in fp32, as the saved model gives them."""
        if store is None:
            return None
        answers = answers_of(model, store, self.recipe, self.compute, self.watch.poll, "fp32")
        self.speed = len(store) / max(answers.seconds, 1e-9)
        return answers

    def _tuned(self, answers: Answers | None) -> Tuned:
        """How answers are read: the unit alone where there are no validation rows."""
        if answers is None or self.stores.valid is None:
            return self.prepared.unit
        settings = self.recipe.evaluation
        threshold = settings.threshold == "tune"
        return tuned_on(self.prepared, self.stores.valid, answers, self.metric, settings.calibration, threshold)

    def _judged(self, name: str, answers: Answers, tuned: Tuned) -> tuple[Guesses, Judged]:
        """What scaled answers to a split say, and beside it the gold."""
        return judged_as(self.prepared, name, getattr(self.stores, name), answers, tuned)

    def _metrics(self) -> list[str]:
        return list(dict.fromkeys([self.metric, *self.prepared.rows.task.metrics]))

    def _scores(self, judged: Judged) -> dict[str, Any]:
        return as_json(score(judged, self._metrics(), self.recipe.evaluation.resamples, self.recipe.seed))

    def _details(self, scores: dict[str, Any], name: str, judged: Judged, answers: Answers, tuned: Tuned) -> None:
        """The tables beside the scores: of the test set where there is one, else of validation."""
        if name == "valid" and self.stores.test is not None:
            return
        scores["judged_on"] = name
        unscaled = replace(answers, values=(answers.values - tuned.shift) / tuned.scale).scaled(self.prepared.unit)
        _, before = self._judged(name, unscaled, replace(tuned, threshold=None))
        of_kind = registry.load("details", f"of_{self.prepared.rows.task.kind}")()
        scores |= of_kind(judged, before, tuned, self.recipe.evaluation.resamples, self.recipe.seed)
        self._without_leaked(scores, name, judged)
        self._slices(scores, name, judged)
        if self.recipe.evaluation.baselines and self.prepared.rows.task.baselines:
            self._baselines(scores, name, judged)

    def _without_leaked(self, scores: dict[str, Any], name: str, judged: Judged) -> None:
        """The score without the rows that stand, exactly or nearly, in an earlier split too."""
        splits = self.prepared.splits
        found = np.isin(getattr(splits, name), leaked(self.prepared.rows.near, splits.train, splits.valid, splits.test))
        if found.any() and not found.all():
            rest = judged.take(np.flatnonzero(~found))
            scores["leaked_rows"] = int(found.sum())
            scores["without_leaked"] = self._scores(rest)

    def _slices(self, scores: dict[str, Any], name: str, judged: Judged) -> None:
        """Scores of parts of the rows: short, middling and long texts, scripts, and columns of the data."""
        positions = getattr(self.prepared.splits, name)
        values = own_parts(self.prepared.texts(positions)[0], self.prepared.lengths[positions])
        values |= parts_of(self.prepared.rows.table, positions, self.recipe.evaluation.slices)
        found = slices(judged, values, self.metric, self.recipe.evaluation.resamples, self.recipe.seed)
        if found:
            scores["slices"] = {kind: as_json(of) for kind, of in found.items()}

    def _baselines(self, scores: dict[str, Any], name: str, judged: Judged) -> None:
        prepared, task = self.prepared, self.prepared.rows.task
        learned, asked = prepared.examples("train"), prepared.examples(name)
        results: dict[str, Judged] = {}
        scores["baselines"] = {}
        for baseline in task.baselines:
            self.watch.poll()
            part = registry.load("baselines", baseline)()
            targets = task.targets(learned, prepared.classes)
            part.learn(learned, targets, prepared.classes, self.recipe.seed)
            results[baseline] = task.judged(asked, part.guesses(asked), prepared.classes)
            scores["baselines"][baseline] = self._scores(results[baseline])
        scores["better_than_baseline"] = self._comparison(judged, results)

    def _comparison(self, judged: Judged, results: Mapping[str, Judged]) -> dict[str, Any]:
        metric = registry.load("metrics", self.metric)()
        sign = 1 if metric.best == "high" else -1
        best = max(results, key=lambda name: sign * metric(results[name]))
        apart = difference(metric, judged, results[best], self.recipe.evaluation.resamples, self.recipe.seed)
        better = verdict(apart, metric.best)
        return {"baseline": best, "metric": self.metric, "verdict": better, "difference": apart.as_json()}

    def _write_predictions(self, name: str, guesses: Guesses) -> None:
        positions: Ints = getattr(self.prepared.splits, name)
        write_predictions(self.folder.predictions / f"{name}.parquet", self.prepared, positions, guesses)

    def _save_model(self, model: Model, tuned: Tuned) -> None:
        rows, data = self.prepared.rows, self.recipe.data
        roles = {"text": rows.roles.text, "text_pair": rows.roles.text_pair, "label": rows.roles.label}
        about = About(
            rows.task.name, self.prepared.classes, {**roles, **rows.roles.more}, self.prepared.max_length,
            tuple(data.cleaning), data.missing, data.fill, 1.0 / tuned.scale if rows.task.kind == "class" else 1.0,
            tuned.threshold, self.metric, VERSION, dict(tuned.more), dict(rows.settings),
        )  # fmt: skip
        model.to("cpu")
        save(model, self.prepared.tokenizer, about, self.folder.model)


def write_predictions(path: Path, prepared: Prepared, positions: Ints, guesses: Guesses) -> None:
    """predictions/*.parquet: where each row stands, its text, gold and answer."""
    table, task, classes = prepared.rows.table, prepared.rows.task, prepared.classes
    examples = prepared.rows.examples.take(positions)
    files = {"file": [table.files[i] for i in table.file[positions].tolist()], "row": table.row[positions]}
    columns: dict[str, Any] = files | answer_columns(task, examples, guesses, classes)
    columns["text"] = pa.array(iter(examples.texts), pa.string())
    if examples.pairs is not None:
        columns["text_pair"] = pa.array(iter(examples.pairs), pa.string())
    write_parquet(path, columns)


def answer_columns(task: Any, examples: Examples, guesses: Guesses, classes: tuple[str, ...]) -> dict[str, pa.Array]:
    """Gold and answers as columns, `label` first; every row has gold."""
    assert examples.gold is not None
    fields = task.fields(classes)
    entries = [task.answer(guesses, row, classes) for row in range(len(guesses))]
    columns = {"label": pa.array([task.label(gold) for gold in examples.gold], fields["prediction"])}
    columns |= {n: pa.array([in_column(e[n], kind) for e in entries], kind) for n, kind in fields.items()}
    return {**columns, **task.beside(examples, guesses)}


def write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    """A Parquet file from columns, complete or absent."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), sink, compression="zstd")
    FILES.write(path, [memoryview(sink.getvalue())])
