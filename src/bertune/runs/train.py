"""The whole journey: recipe, data, model, loop, scores, report."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bertune import __version__
from bertune.base.errors import BertuneError
from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Table
from bertune.base.wording import counted
from bertune.data.check import check
from bertune.engine import checkpoint
from bertune.engine.devices import Compute, compute, describe_machine, peak_memory_gb
from bertune.engine.interrupt import Interrupted, Watch
from bertune.report.card import card
from bertune.report.folder import RunFolder
from bertune.report.page import write as write_report
from bertune.report.snippets import new_file
from bertune.runs import build
from bertune.runs.fingerprint import fingerprint, model_digest, unchanged, versions
from bertune.runs.finish import Finish
from bertune.runs.fit import Fit, Fitted
from bertune.runs.folder import FORMAT, PREPARING, Folder, refuse_other_bytes
from bertune.runs.lineage import lineage
from bertune.runs.openings import opening, rows_digest
from bertune.runs.prepare import Prepared, prepare, severe
from bertune.runs.seeds import Seeds
from bertune.runs.seen import write_seen
from bertune.runs.shares import class_counts, has_classes, shares
from bertune.runs.telling import Silent, Teller
from bertune.runs.wrong_labels import write_suspects


def train(
    recipe: Recipe,
    out: Path,
    *,
    teller: Teller | None = None,
    source: Table | None = None,
    command: Sequence[str] = (),
    resume: bool = False,
    listeners: Sequence[Any] = (),
    report: bool = True,
) -> Folder:
    """Train, test and report one run in the folder `out`; with `resume`, go on where it stands.

    Without `report` only what the model needs is made: no findings, no report, no model card.
    Raises BertuneError for what the user can mend and Interrupted after a signal; either way nothing is lost.
    """
    folder, data = Folder(out), recipe.data
    refuse_other_bytes(
        {"--out": str(out), "data.train": data.train, "data.valid": data.valid, "data.test": data.test,
         "model.name": recipe.model.name, "model.from_run": recipe.model.from_run}
    )  # fmt: skip
    with folder.locked(), Watch() as watch:
        journey = _Journey(recipe, folder, teller or Silent(), watch, listeners, report)
        try:
            return journey.run(source, command, resume)
        except Interrupted as interruption:
            interruption.run = str(folder.path)
            raise
        except BertuneError:
            if not resume:
                folder.leave()
            raise


class _Journey:
    def __init__(
        self, recipe: Recipe, folder: Folder, teller: Teller, watch: Watch, listeners: Sequence[Any], report: bool
    ) -> None:
        self.recipe, self.folder, self.teller, self.watch = recipe, folder, teller, watch
        self.listeners, self.report = listeners, report
        self.began = time.perf_counter()

    def run(self, source: Table | None, command: Sequence[str], resume: bool) -> Folder:
        if resume:
            self.folder.refuse_other_format()
        else:
            self._enter(command)
        machine = compute(self.recipe.training)
        prepared = prepare(self.recipe, self.teller, source)
        self.watch.poll()
        begun = self.folder.record().get("status") != PREPARING
        decided = self._unchanged(prepared, machine) if begun else {}
        self._tell_data(prepared)
        if not begun:
            decided = self._begin(prepared, machine)
        elif not checkpoint.found(self.folder.checkpoints):
            self.teller.say("resume", "from the beginning: no checkpoint had been made yet", step=0)
        stores = build.stores(prepared, self.folder.store)
        self.watch.poll()
        seeds = Seeds(Fit(
            self.recipe, prepared, stores, self.folder, machine, self.teller, self.watch, decided, self.listeners
        ))  # fmt: skip
        fitted, fit = seeds.run()
        self.folder.write_record(**self._about_fit(fitted, fit))
        if not fitted.stopped.finished:
            self.folder.write_record(status="stopped")
            raise Interrupted(self.watch.caught or 0)
        self._finish(fitted, fit, seeds.scores)
        return self.folder

    def _enter(self, command: Sequence[str]) -> None:
        """Leave what a resume needs before anything takes time: a run can be killed while it reads its data."""
        FILES.remove(self.folder.checkpoints)
        changed = {key: {"value": value} for key, value in self.recipe.stated.items() if not key.startswith("data.")}
        about = {"format": FORMAT, "status": PREPARING, "bertune": __version__, "command": list(command),
                 "started": _now(), "seed": self.recipe.seed, "changed": changed, "test_openings": []}  # fmt: skip
        FILES.write_json(self.folder.record_path, about)
        FILES.write_text(self.folder.recipe, self.recipe.as_toml())

    def _unchanged(self, prepared: Prepared, machine: Compute) -> dict[str, Any]:
        """Refuse to go on where anything that decides the weights has changed since the run began."""
        decided = fingerprint(self.recipe, prepared, machine)
        unchanged(self.folder.record().get("fingerprint", {}), decided)
        return decided

    def _tell_data(self, prepared: Prepared) -> None:
        say, splits = self.teller.say, prepared.splits
        roles = prepared.rows.roles
        pair = f' · text pair "{roles.text_pair}"' if roles.text_pair else ""
        say("", f'text "{roles.text}"{pair} · label "{roles.label}": {shares(prepared)}')
        findings = check(prepared.view) if self.report else []
        FILES.write_json(self.folder.findings, [f.as_json() for f in findings])
        for number, finding in enumerate(findings, 1):
            if finding in severe(findings)[:8]:
                self.teller.warn(f"{finding.message}  (findings.json #{number})", **finding.as_json())
        sizes = " · ".join(f"{len(p):,} {name}" for name, p in splits.named())
        say("split", f"{sizes}   {splits.how}")
        chosen = prepared.chosen
        say("model", f"{chosen.name} · {chosen.reason}")
        say("length", prepared.length_told())

    def _begin(self, prepared: Prepared, machine: Compute) -> dict[str, Any]:
        """Settle what the recipe leaves open and record it; gives what a resume compares."""
        model = build.network(self.recipe, prepared, self.recipe.seed)
        plan = build.planned(self.recipe, model, prepared)
        settled = {
            "training.epochs": plan.epochs, "training.batch_size": plan.batch_size,
            "training.averaging": plan.averaging, "training.seeds": plan.seeds,
            "training.precision": machine.precision,
            "training.threads": machine.threads, "training.device": str(machine.device),
            "optimizer.learning_rate": plan.learning_rate, "optimizer.layer_decay": plan.layer_decay,
            "model.max_length": prepared.max_length, **_settled_model(self.recipe, prepared),
            "loss.name": build.loss_name(self.recipe, prepared), "task.name": prepared.rows.task.name,
            **{f"task.{name}": value for name, value in prepared.rows.settings.items()},
        }  # fmt: skip
        self.recipe = self.recipe.changed(settled)
        decided = fingerprint(self.recipe, prepared, machine)
        FILES.write_text(self.folder.recipe, self.recipe.as_toml())
        self.folder.write_record(
            status="running", versions=versions(), machine=describe_machine(), fingerprint=decided,
            plan=asdict(plan) | {"why": plan.why}, **_about_data(prepared),
            model=_about_model(self.recipe, prepared, model),
        )  # fmt: skip
        steps = int(np.ceil(len(prepared.splits.train) / plan.batch_size) * plan.epochs)
        self.teller.say(
            "plan",
            f"{plan.epochs:g} epochs · {steps:,} steps of {plan.batch_size} rows · learning rate "
            f"{plan.learning_rate:.1e} · {counted(plan.seeds, 'seed')} · {machine.precision} · "
            f"{machine.threads} threads   ({plan.why})",
            steps=steps, **asdict(plan),
        )  # fmt: skip
        return decided

    def _about_fit(self, fitted: Fitted, fit: Fit) -> dict[str, Any]:
        stopped = fitted.stopped
        return {
            "best": fitted.best, "stopped": stopped.reason, "metric": fit.metric, "restarts": fitted.restarts,
            "warnings": fitted.warnings, "kept_seed": fit.recipe.seed,
            "speed": {
                "train_texts_per_second": stopped.texts_per_second,
                "train_tokens_per_second": stopped.tokens_per_second,
            },
        }  # fmt: skip

    def _finish(self, fitted: Fitted, fit: Fit, of_seeds: list[dict[str, Any]]) -> None:
        say, prepared, stores, machine, metric = self.teller.say, fit.prepared, fit.stores, fit.compute, fit.metric
        best = fitted.best
        kept = f"; kept epoch {best['epoch']:.2g}" if best["step"] is not None else ""
        say("stop", f"epoch {fitted.stopped.epoch:.3g}: {fitted.stopped.reason}{kept}")
        record = self.folder.record()
        if stores.test is not None:
            digest = rows_digest(prepared.rows.table, prepared.splits.test, prepared.rows.roles)
            opened = opening(digest, len(stores.test), "train")
            self.folder.write_record(test_openings=[*record["test_openings"], opened])
        finish = Finish(self.recipe, prepared, stores, self.folder, machine, self.watch, metric)
        scores = finish.run(fitted.model)
        if of_seeds:
            scores["seeds"] = of_seeds
        FILES.write_json(self.folder.scores, scores)
        self._tell_scores(scores, metric)
        if self.recipe.evaluation.suspects and has_classes(prepared):
            write_suspects(self.recipe, prepared, stores, self.folder, machine, self.watch)
        speed = dict(self.folder.record()["speed"], predict_texts_per_second=finish.speed,
                     peak_memory_gb=round(peak_memory_gb(), 3))  # fmt: skip
        self.folder.write_record(
            status="finished", temperature=scores.get("calibration", {}).get("temperature", 1.0), speed=speed,
            seconds=round(time.perf_counter() - self.began, 1),
        )  # fmt: skip
        write_seen(self.folder.seen, *prepared.texts(prepared.splits.train))
        if self.report:
            self._write_report()
        self.folder.write_record(status="done")
        self.folder.clear(self.recipe.training.keep_checkpoints)
        if self.report:
            say("report", f"{self.folder.report}       model  {self.folder.model}",
                report=str(self.folder.report), model=str(self.folder.model))  # fmt: skip
            say("next", f"bertune predict {self.folder.path} {new_file(RunFolder(self.folder.path))}")

    def _write_report(self) -> None:
        language = self.recipe.report.language
        FILES.write_text(self.folder.model / "README.md", card(self.folder.path, language))
        write_report(self.folder.path, language)

    def _tell_scores(self, scores: dict[str, Any], metric: str) -> None:
        name = scores.get("judged_on")
        if name is None:
            return
        s = scores[name][metric]
        line = f"{metric} {s['value']:.3f} [{s['low']:.3f}, {s['high']:.3f}] on {s['n']:,} rows"
        values = [entry["test"][metric]["value"] for entry in scores.get("seeds", ()) if "test" in entry]
        if values:
            line += f" · {len(values)} seeds {min(values):.3f} to {max(values):.3f}"
        for baseline, of in scores.get("baselines", {}).items():
            line += f" · {baseline} {of[metric]['value']:.3f}"
        self.teller.say(name, line, scores=scores[name])
        compared = scores.get("better_than_baseline")
        if compared:
            d = compared["difference"]
            text = f"{compared['verdict']} ({d['value']:+.3f} [{d['low']:+.3f}, {d['high']:+.3f}])"
            self.teller.say("", f"better than the best baseline: {text}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _about_data(prepared: Prepared) -> dict[str, Any]:
    rows, splits = prepared.rows, prepared.splits
    counts = {name: class_counts(prepared, p) for name, p in splits.named()}
    edges = np.unique(np.linspace(0, max(int(prepared.lengths.max()), 1), 41).astype(int))
    histogram, edges = np.histogram(prepared.lengths[splits.train], bins=edges)
    ledgers = {name: prepared.cut(name).as_json() for name, _ in splits.named()}
    roles = rows.roles
    return {
        "task": rows.task.name,
        "kind": rows.task.kind,
        "labels": list(prepared.classes),
        "columns": {"text": roles.text, "text_pair": roles.text_pair, "label": roles.label, **roles.more},
        "data": {"files": list(rows.table.files)[:20], "digest": rows.digest, "rows": len(rows.table),
                 "facts": dict(rows.table.facts), "language": rows.language},
        "split": {**{name: len(p) for name, p in splits.named()}, "how": splits.how},
        "class_counts": counts if any(counts.values()) else {},
        "lengths": {"max_length": prepared.max_length, "windows": not rows.task.cuts, "ledger": ledgers,
                    "histogram": {"edges": edges.tolist(), "counts": histogram.tolist()}},
    }  # fmt: skip


def _settled_model(recipe: Recipe, prepared: Prepared) -> dict[str, str]:
    if recipe.model.from_run is not None:
        return {"model.from_run": str(Path(recipe.model.from_run).resolve())}
    chosen = prepared.chosen
    return {"model.name": str(chosen.folder.resolve()) if Path(chosen.name).is_dir() else chosen.name}


def _about_model(recipe: Recipe, prepared: Prepared, model: Any) -> dict[str, Any]:
    chosen, before = prepared.chosen, lineage(recipe)
    count = model.parameters_count
    return {
        "name": chosen.name, "parameters": count, "layers": len(model.layers()), "languages": list(chosen.languages),
        "reason": chosen.reason, "digest": model_digest(prepared), "megabytes": round(count * 4 / 2**20, 1),
        "tokenizer": prepared.tokenizer.fingerprint(), **({} if before is None else {"from": before}),
    }  # fmt: skip
