"""After the loop: calibrate on validation, open the test set once, write scores, predictions, model and report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bertune import __version__
from bertune.base import registry
from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Floats, Ints, Judged
from bertune.data.duplicates import leaked
from bertune.data.store import TokenStore
from bertune.engine.devices import Compute
from bertune.engine.interrupt import Watch
from bertune.evaluate.calibration import fit_temperature, reliability, softmax, tune_threshold
from bertune.evaluate.intervals import difference, verdict
from bertune.evaluate.predict import predict
from bertune.evaluate.saved import About, fold_temperature, save
from bertune.evaluate.scores import confusion, per_class, score
from bertune.evaluate.slices import as_json, slices
from bertune.model.encoder import Model
from bertune.runs.build import Stores
from bertune.runs.folder import Folder
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
        valid = self._logits(model, self.stores.valid)
        temperature = self._temperature(valid)
        fold_temperature(model, temperature)
        threshold = self._threshold(valid, temperature)
        scores: dict[str, Any] = {}
        for name, logits in (("valid", valid), ("test", self._logits(model, self.stores.test, temperature))):
            if logits is not None:
                store = getattr(self.stores, name)
                judged = self._judged(store.targets, softmax(logits / temperature), threshold)
                scores[name] = self._scores(judged)
                self._write_predictions(name, judged)
                self._details(scores, name, judged, logits, temperature)
        self._save_model(model, temperature, threshold)
        scores["classes"] = list(self.prepared.classes)
        return scores

    def _logits(self, model: Model, store: TokenStore | None, divided: float = 1.0) -> Floats | None:
        """Logits in fp32, as the saved model gives them; times `divided` where the head is scaled already."""
        if store is None:
            return None
        answers = predict(
            model, store, batch_size=self.recipe.evaluation.batch_size, max_tokens=self.recipe.training.max_tokens,
            precision="fp32", device=self.compute.device, poll=self.watch.poll,
        )  # fmt: skip
        self.speed = len(store) / max(answers.seconds, 1e-9)
        return answers.logits * divided

    def _temperature(self, logits: Floats | None) -> float:
        if logits is None or self.stores.valid is None or not self.recipe.evaluation.calibration:
            return 1.0
        return float(np.float32(fit_temperature(logits, self.stores.valid.targets)))

    def _threshold(self, logits: Floats | None, temperature: float) -> float | None:
        if self.recipe.evaluation.threshold == "none" or logits is None or logits.shape[1] != 2:
            return None
        assert self.stores.valid is not None
        probabilities = softmax(logits / temperature)
        return float(
            tune_threshold(probabilities[:, 1], self.stores.valid.targets, registry.load("metrics", self.metric)())
        )

    def _judged(self, targets: Any, probabilities: Floats, threshold: float | None) -> Judged:
        judged: Judged = self.prepared.rows.task.judged(targets, probabilities, self.prepared.classes, threshold)
        return judged

    def _metrics(self) -> list[str]:
        return list(dict.fromkeys([self.metric, *self.prepared.rows.task.metrics]))

    def _scores(self, judged: Judged) -> dict[str, Any]:
        return as_json(score(judged, self._metrics(), self.recipe.evaluation.resamples, self.recipe.seed))

    def _details(self, scores: dict[str, Any], name: str, judged: Judged, logits: Floats, temperature: float) -> None:
        """The tables beside the scores: of the test set where there is one, else of validation."""
        if name == "valid" and self.stores.test is not None:
            return
        scores["judged_on"] = name
        scores["per_class"] = per_class(judged, self.recipe.evaluation.resamples, self.recipe.seed)
        scores["confusion"] = confusion(judged).tolist()
        before = softmax(logits)
        scores["calibration"] = {
            "temperature": temperature,
            "before": {"ece": _ece(self._judged(judged.gold, before, None)), "bins": _bins(before, judged.gold)},
            "after": {"ece": _ece(judged), "bins": _bins(judged.probabilities, judged.gold)},
        }
        self._without_leaked(scores, name, judged)
        self._slices(scores, name, judged)
        if self.recipe.evaluation.baselines:
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
        splits, targets = self.prepared.splits, self.prepared.targets
        texts, pairs = self.prepared.texts(splits.train)
        asked, asked_pairs = self.prepared.texts(getattr(splits, name))
        results: dict[str, Judged] = {}
        scores["baselines"] = {}
        for baseline in self.prepared.rows.task.baselines:
            self.watch.poll()
            part = registry.load("baselines", baseline)()
            part.fit(texts, pairs, targets[splits.train], len(self.prepared.classes), self.recipe.seed)
            results[baseline] = self._judged(judged.gold, part.probabilities(asked, asked_pairs), None)
            scores["baselines"][baseline] = self._scores(results[baseline])
        scores["better_than_baseline"] = self._comparison(judged, results)

    def _comparison(self, judged: Judged, results: Mapping[str, Judged]) -> dict[str, Any]:
        metric = registry.load("metrics", self.metric)()
        sign = 1 if metric.best == "high" else -1
        best = max(results, key=lambda name: sign * metric(results[name]))
        apart = difference(metric, judged, results[best], self.recipe.evaluation.resamples, self.recipe.seed)
        better = verdict(apart, metric.best)
        return {"baseline": best, "metric": self.metric, "verdict": better, "difference": apart.as_json()}

    def _write_predictions(self, name: str, judged: Judged) -> None:
        positions: Ints = getattr(self.prepared.splits, name)
        write_predictions(self.folder.predictions / f"{name}.parquet", self.prepared, positions, judged)

    def _save_model(self, model: Model, temperature: float, threshold: float | None) -> None:
        rows, data = self.prepared.rows, self.recipe.data
        roles = {"text": rows.roles.text, "text_pair": rows.roles.text_pair, "label": rows.roles.label}
        about = About(
            rows.task.name, self.prepared.classes, roles, self.prepared.max_length, tuple(data.cleaning), data.missing,
            data.fill, temperature, threshold, self.metric, __version__,
        )  # fmt: skip
        model.network.to("cpu")
        save(model, self.prepared.tokenizer, about, self.folder.model)


def write_predictions(path: Path, prepared: Prepared, positions: Ints, judged: Judged) -> None:
    """predictions/*.parquet: where each row stands, its text, gold label, prediction and probabilities."""
    table, classes = prepared.rows.table, np.array(judged.classes, dtype=object)
    assert judged.probabilities is not None
    texts, pairs = prepared.texts(positions)
    columns: dict[str, Any] = {
        "file": [table.files[i] for i in table.file[positions].tolist()],
        "row": table.row[positions],
        "label": classes[np.asarray(judged.gold)],
        "prediction": classes[np.asarray(judged.guess)],
        "probability": judged.probabilities[np.arange(len(judged)), judged.guess],
        "probabilities": list(judged.probabilities),
        "text": pa.array(iter(texts), pa.string()),
    }
    if pairs is not None:
        columns["text_pair"] = pa.array(iter(pairs), pa.string())
    write_parquet(path, columns)


def write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    """A Parquet file from columns, complete or absent."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), sink, compression="zstd")
    FILES.write(path, [memoryview(sink.getvalue())])


def _ece(judged: Judged) -> float:
    return float(registry.load("metrics", "calibration_error")()(judged))


def _bins(probabilities: Any, gold: Any) -> list[dict[str, Any]]:
    return [b.as_json() for b in reliability(probabilities, gold)]
