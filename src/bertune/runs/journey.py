"""What one task of a run goes through: its rows prepared, its folder begun, its scores and report written."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bertune.base.files import FILES
from bertune.base.recipe import Recipe
from bertune.base.types import Table
from bertune.base.version import VERSION
from bertune.data.check import check
from bertune.engine.devices import Compute, compute, describe_machine, peak_memory_gb
from bertune.engine.heap import give_back
from bertune.engine.interrupt import Watch
from bertune.engine.plan import Facts, Plan
from bertune.model.encoder import Model
from bertune.report.card import card
from bertune.report.folder import RunFolder
from bertune.report.page import write as write_report
from bertune.report.snippets import new_file
from bertune.runs import build
from bertune.runs.build import Stores
from bertune.runs.fingerprint import fingerprint, model_digest, unchanged, versions
from bertune.runs.finish import Finish
from bertune.runs.fit import Fitted
from bertune.runs.folder import FORMAT, PREPARING, Folder
from bertune.runs.lineage import lineage
from bertune.runs.openings import opening, rows_digest
from bertune.runs.prepare import Prepared, prepare, severe
from bertune.runs.seen import write_seen
from bertune.runs.self_training import Guessed
from bertune.runs.shares import augmented, class_counts, has_classes, shares
from bertune.runs.telling import Teller
from bertune.runs.unlabelled import Unlabelled, read_unlabelled
from bertune.runs.wrong_labels import write_suspects


class Journey:
    """A task of a run on its way; what it has in hand is there once it is prepared, begun and encoded.

    `guessed` are the guesses that it has learnt besides, if any. `name` is what it is called where several are learnt
    together, empty for the run's own.
    """

    machine: Compute
    prepared: Prepared
    stores: Stores
    decided: dict[str, Any]

    def __init__(
        self, recipe: Recipe, folder: Folder, teller: Teller, watch: Watch, report: bool, name: str = ""
    ) -> None:
        self.recipe, self.folder, self.teller, self.watch = recipe, folder, teller, watch
        self.report, self.name = report, name
        self.began = time.perf_counter()
        self.unlabelled: Unlabelled | None = None
        self.guessed: Guessed | None = None

    def enter(self, command: Sequence[str]) -> None:
        """Leave what a resume needs before anything takes time: a run can be killed while it reads its data."""
        FILES.remove(self.folder.checkpoints)
        changed = {key: {"value": value} for key, value in self.recipe.stated.items() if not key.startswith("data.")}
        about = {"format": FORMAT, "status": PREPARING, "bertune": VERSION, "command": list(command),
                 "started": _now(), "seed": self.recipe.seed, "changed": changed, "test_openings": []}  # fmt: skip
        FILES.write_json(self.folder.record_path, about)
        FILES.write_text(self.folder.recipe, self.recipe.as_toml())

    def prepare(self, source: Table | None) -> None:
        """Read the rows and tell what they are. Raises ResumeError where a run that has begun would not go on as it
        was: where anything that decides the weights has changed."""
        self.machine = compute(self.recipe.training)
        self.prepared = prepare(self.recipe, self.teller, source)
        self.unlabelled = read_unlabelled(self.recipe, self.prepared, self.teller)
        self.watch.poll()
        if self.begun:
            self.decided = self._decided()
            unchanged(self.folder.record().get("fingerprint", {}), self.decided)
        self._tell_data()

    def _decided(self) -> dict[str, Any]:
        """What a resume compares."""
        found = fingerprint(self.recipe, self.prepared, self.machine)
        return found if self.unlabelled is None else {**found, "the unlabelled rows": self.unlabelled.digest}

    @property
    def shown(self) -> int:
        """How many rows an epoch shows: those of training, and their changed copies."""
        copies = 0 if self.prepared.copies is None else self.prepared.copies.number
        return len(self.prepared.splits.train) * (1 + copies)

    @property
    def begun(self) -> bool:
        """Whether the run's plan has been settled: its recipe leaves nothing open any more."""
        return bool(self.folder.record().get("status") != PREPARING)

    def settled_model(self) -> dict[str, str]:
        """The setting that names the model, which all tasks of a run have."""
        if self.recipe.model.from_run is not None:
            return {"model.from_run": str(Path(self.recipe.model.from_run).resolve())}
        chosen = self.prepared.chosen
        return {"model.name": str(chosen.folder.resolve()) if Path(chosen.name).is_dir() else chosen.name}

    def facts(self) -> tuple[Facts, Model]:
        """What the rule of the defaults looks at, and the model as it begins."""
        model = build.network(self.recipe, self.prepared, self.recipe.seed)
        return build.facts_of(model, self.prepared), model

    def _tell_data(self) -> None:
        prepared = self.prepared
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
        if prepared.copies is not None:
            say("augment", augmented(prepared.copies, len(splits.train)), **_about_copies(prepared))
        chosen = prepared.chosen
        say("model", f"{chosen.name} · {chosen.reason}")
        say("length", prepared.length_told())

    def begin(self, plan: Plan, model: Model) -> None:
        """Settle what the recipe leaves open and record it with what a resume compares."""
        prepared, machine = self.prepared, self.machine
        settled = {
            "training.epochs": plan.epochs, "training.batch_size": plan.batch_size,
            "training.averaging": plan.averaging, "training.seeds": plan.seeds, "evaluation.per_epoch": plan.per_epoch,
            "training.precision": machine.precision,
            "training.threads": machine.threads, "training.device": str(machine.device),
            "optimizer.learning_rate": plan.learning_rate, "optimizer.layer_decay": plan.layer_decay,
            "model.max_length": prepared.max_length, **self.settled_model(),
            "loss.name": build.loss_name(self.recipe, prepared), "task.name": prepared.rows.task.name,
            **{f"task.{name}": value for name, value in prepared.rows.settings.items()},
        }  # fmt: skip
        self.recipe = self.recipe.changed(settled)
        self.decided = self._decided()
        FILES.write_text(self.folder.recipe, self.recipe.as_toml())
        self.folder.write_record(
            status="running", versions=versions(), machine=describe_machine(), fingerprint=self.decided,
            plan=asdict(plan) | {"why": plan.why}, **_about_data(prepared),
            model=_about_model(self.recipe, prepared, model),
        )  # fmt: skip

    def encode(self) -> None:
        """Encode the texts into the folder, or open what an earlier start encoded there."""
        self.stores = build.stores(self.prepared, self.folder.store)
        self.watch.poll()

    def learnt(self, fitted: Fitted, metric: str, seed: int) -> None:
        """Record how the weights came about."""
        stopped = fitted.stopped
        self.folder.write_record(
            best=fitted.best, stopped=stopped.reason, metric=metric, restarts=fitted.restarts,
            warnings=fitted.warnings, kept_seed=seed,
            speed={
                "train_texts_per_second": stopped.texts_per_second,
                "train_tokens_per_second": stopped.tokens_per_second,
            },
        )  # fmt: skip

    def finish(self, fitted: Fitted, metric: str, of_seeds: Sequence[dict[str, Any]] = ()) -> None:
        """Open the test rows, write scores, predictions, model and report."""
        say, prepared, stores, machine = self.teller.say, self.prepared, self.stores, self.machine
        best = fitted.best
        kept = f"; kept epoch {best['epoch']:.2g}" if best["step"] is not None else ""
        say("stop", f"epoch {fitted.stopped.epoch:.3g}: {fitted.stopped.reason}{kept}")
        record = self.folder.record()
        if stores.test is not None:
            digest = rows_digest(prepared.rows.table, prepared.splits.test, prepared.rows.roles)
            opened = opening(digest, len(stores.test), "train")
            self.folder.write_record(test_openings=[*record["test_openings"], opened])
        give_back()
        finish = Finish(self.recipe, prepared, stores, self.folder, machine, self.watch, metric)
        scores = finish.run(fitted.model)
        if of_seeds:
            scores["seeds"] = list(of_seeds)
        FILES.write_json(self.folder.scores, scores)
        self._tell_scores(scores, metric)
        give_back()
        if self.recipe.evaluation.suspects and has_classes(prepared):
            write_suspects(self.recipe, prepared, stores, self.folder, machine, self.watch, fitted.confidence)
        speed = dict(self.folder.record()["speed"], predict_texts_per_second=finish.speed,
                     peak_memory_gb=round(peak_memory_gb(), 3))  # fmt: skip
        self.folder.write_record(
            status="finished", temperature=scores.get("calibration", {}).get("temperature", 1.0), speed=speed,
            seconds=round(time.perf_counter() - self.began, 1),
        )  # fmt: skip
        write_seen(self.folder.seen, *self._texts_learnt())
        if self.report:
            self._write_report()
        self.folder.write_record(status="done")
        self.folder.clear(self.recipe.training.keep_checkpoints)
        if self.report:
            say("report", f"{self.folder.report}       model  {self.folder.model}",
                report=str(self.folder.report), model=str(self.folder.model))  # fmt: skip
            say("next", f"bertune predict {self.folder.path} {new_file(RunFolder(self.folder.path))}")

    def _texts_learnt(self) -> tuple[Sequence[str], Sequence[str] | None]:
        """The texts of the training rows, and of guessed ones."""
        texts, pairs = self.prepared.texts(self.prepared.splits.train)
        if self.guessed is None:
            return texts, pairs
        more = self.guessed.examples
        return [*texts, *map(str, more.texts)], None if pairs is None else [*pairs, *map(str, more.pairs or ())]

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
        "head": rows.task.head,
        "labels": list(prepared.classes),
        "columns": {"text": roles.text, "text_pair": roles.text_pair, "label": roles.label, **roles.more},
        "data": {"files": list(rows.table.files)[:20], "digest": rows.digest, "rows": len(rows.table),
                 "facts": dict(rows.table.facts), "language": rows.language},
        "split": {**{name: len(p) for name, p in splits.named()}, "how": splits.how},
        "augmented": _about_copies(prepared),
        "class_counts": counts if any(counts.values()) else {},
        "lengths": {"max_length": prepared.max_length, "windows": not rows.task.cuts, "ledger": ledgers,
                    "histogram": {"edges": edges.tolist(), "counts": histogram.tolist()}},
    }  # fmt: skip


def _about_copies(prepared: Prepared) -> dict[str, Any]:
    made = prepared.copies
    if made is None:
        return {}
    return {"name": made.name, "copies": made.number, "rows": made.number * len(prepared.splits.train)}


def _about_model(recipe: Recipe, prepared: Prepared, model: Any) -> dict[str, Any]:
    chosen, before = prepared.chosen, lineage(recipe)
    count = model.parameters_count
    return {
        "name": chosen.name, "parameters": count, "layers": len(model.layers()), "languages": list(chosen.languages),
        "reason": chosen.reason, "digest": model_digest(prepared), "megabytes": round(count * 4 / 2**20, 1),
        "tokenizer": prepared.tokenizer.fingerprint(), **({} if before is None else {"from": before}),
    }  # fmt: skip
