"""bertune train --dry-run: the bill of a run before it starts, from a short probe; nothing of it is kept."""

import math
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from bertune.base import registry
from bertune.base.recipe import Recipe
from bertune.base.types import Floats, Table
from bertune.base.wording import counted
from bertune.data.batches import predicting_batches
from bertune.data.check import check
from bertune.data.store import TokenStore
from bertune.engine import checkpoint
from bertune.engine.devices import Compute, compute
from bertune.engine.feed import Feed
from bertune.engine.interrupt import Watch
from bertune.engine.learner import Learner
from bertune.evaluate.scores import score
from bertune.evaluate.suspects import out_of_sample
from bertune.model.encoder import Model
from bertune.runs import build, probe
from bertune.runs.caching import cached
from bertune.runs.fit import KEEP
from bertune.runs.prepare import Prepared, prepare, severe
from bertune.runs.probe import Cost, Memory
from bertune.runs.shares import augmented, has_classes
from bertune.runs.telling import Silent, Teller
from bertune.runs.wrong_labels import MOST_ROWS, mean_states

SAMPLE = 2000  # rows on which baselines and the search for wrong labels are timed
SMALLER = 4  # times smaller is the sample that tells how regressions grow
REPORT_SECONDS = 2.0  # report, model card, saving: they hardly depend on the run
NEW_BESTS = 0.7  # share of the checks whose weights are saved as those to keep
ADRIFT = 2  # best weights that lie on the disk beside the checkpoints


@dataclass(frozen=True)
class Bill:
    """What a run would take: updates and checks of each seed, bytes of memory and of disk, and seconds.

    The seconds are at most so many: early stopping only saves. `seconds_of` splits them: prepare, encode (head-only
    training), train, validate, save, score, suspects, report.
    """

    epochs: float
    seeds: int
    steps: int
    checks: int
    seconds: float
    seconds_of: dict[str, float]
    memory_bytes: int
    disk_bytes: int
    disk_left_bytes: int


def dry_run(recipe: Recipe, teller: Teller, source: Table | None = None) -> Bill:
    """Do everything up to the plan, try three updates on a copy of the model, and tell the bill.

    Nothing is written but into a temporary folder that goes away.
    """
    began = time.perf_counter()
    with Watch() as watch, tempfile.TemporaryDirectory(prefix="bertune-") as place:
        machine = compute(recipe.training)
        prepared = prepare(recipe, teller, source)
        _tell_data(prepared, teller)
        stores = build.stores(prepared, Path(place))
        prepared_in = time.perf_counter() - began
        with Memory(machine.precision) as memory:
            bill = _bill(recipe, prepared, stores, machine, watch, prepared_in, memory, teller)
        disk = bill.disk_bytes + _size(Path(place))
        bill = replace(bill, memory_bytes=memory.peak, disk_bytes=disk)
    _tell(bill, teller)
    if recipe.data.unlabelled is not None:
        asked = recipe.self_training
        teller.warn(f"self-training comes on top: up to {counted(asked.rounds, 'student')}, each of up to "
                    f"{1 + asked.most:g} times the updates above", code="self_training")  # fmt: skip
    return bill


def _tell_data(prepared: Prepared, teller: Teller) -> None:
    findings = severe(check(prepared.view))
    if findings:
        counts = Counter(str(f.severity) for f in findings)
        said = ", ".join(f"{n} {kind}{'' if n == 1 else 's'}" for kind, n in sorted(counts.items()))
        teller.warn(f"{said} in the data: bertune check shows them", **counts)
    sizes = " · ".join(f"{len(p):,} {name}" for name, p in prepared.splits.named())
    teller.say("split", f"{sizes}   {prepared.splits.how}")
    if prepared.copies is not None:
        teller.say("augment", augmented(prepared.copies, len(prepared.splits.train)))
    teller.say("model", f"{prepared.chosen.name} · {prepared.chosen.reason}")
    teller.say("length", prepared.length_told(), **prepared.cut("train").as_json())


def _bill(
    recipe: Recipe, prepared: Prepared, stores: build.Stores, machine: Compute, watch: Watch, prepared_in: float,
    memory: Memory, teller: Teller,
) -> Bill:  # fmt: skip
    model = build.network(recipe, prepared, recipe.seed)
    model.to(machine.device)
    plan = build.planned(recipe, model, prepared)
    teller.say(
        "plan",
        f"{counted(plan.epochs, 'epoch')} · {plan.batch_size} rows a step · learning rate {plan.learning_rate:.1e} · "
        f"{counted(plan.seeds, 'seed')} · {machine.precision} · {counted(machine.threads, 'thread')}   ({plan.why})",
        **asdict(plan),
    )
    seconds = {"prepare": prepared_in}
    answering = _answering(model, stores, machine, recipe, machine.precision)
    kept = cached(recipe, model, plan, stores, machine, Silent())
    if kept is not None:
        seconds["encode"] = _of(answering, stores.train, recipe) + _of(answering, stores.valid, recipe)
    small, (seen,) = (None, [kept.stores]) if kept else build.small_table(recipe, model, [stores])
    feed = build.feed_of(recipe, plan, seen.train, model, recipe.seed)
    learner = build.learner_of(recipe, [build.loss_of(recipe, prepared, feed)], plan, model, feed, machine)
    model.network.train()
    with nullcontext() if kept is None else kept.standing_in():
        updating = probe.time_updates(learner, feed)
        judging = answering if kept is None else _answering(model, seen, machine, recipe, machine.precision)
    sizes = _sizes(learner)
    seconds_of_saving = _saving(learner)
    if small is not None:
        small.put_back()
    learner.optimizer.zero_grad(set_to_none=True)
    learner.optimizer.state.clear()
    memory.learnt()
    every = plan.steps_between_checks(feed.steps_per_epoch)
    checks = 0 if stores.valid is None else len({*range(every, learner.steps + 1, every), learner.steps})
    seconds["train"] = updating.seconds(_updates(feed, learner.steps))
    seconds["validate"] = checks * _of(judging, seen.valid, recipe)
    seconds["save"] = NEW_BESTS * checks * seconds_of_saving
    scoring = _answering(model, stores, machine, recipe, "fp32")
    seconds["score"] = _scoring(recipe, prepared, stores, scoring)
    if recipe.evaluation.suspects and has_classes(prepared):
        seconds["suspects"] = _suspects(recipe, prepared, stores, model, machine, watch, answering)
    seconds["report"] = REPORT_SECONDS
    for name in ("train", "validate", "save"):
        seconds[name] *= plan.seeds
    if plan.seeds > 1:
        seconds["score"] += plan.seeds * _of(scoring, stores.test, recipe)
    minutes = (seconds["train"] + seconds["validate"] + seconds["save"]) / 60 / plan.seeds
    disk, left = _disk(model, sizes, minutes, plan.seeds, recipe)
    total = float(sum(seconds.values()))
    return Bill(plan.epochs, plan.seeds, learner.steps, checks, total, seconds, 0, disk, left)


def _answering(model: Model, stores: build.Stores, machine: Compute, recipe: Recipe, precision: str) -> Cost:
    store = max((s for s in (stores.train, stores.valid, stores.test) if s is not None), key=len)
    limits = recipe.evaluation.batch_size, recipe.training.max_tokens
    return probe.time_answers(model, store, machine, precision, list(predicting_batches(store.lengths, *limits)))


def _of(cost: Cost, store: TokenStore | None, recipe: Recipe) -> float:
    if store is None:
        return 0.0
    portions = predicting_batches(store.lengths, recipe.evaluation.batch_size, recipe.training.max_tokens)
    return cost.seconds(probe.of_portions(store, portions))


def _updates(feed: Feed, steps: int) -> Floats:
    """The features of every update of the run, epoch by epoch."""
    found: list[Floats] = []
    for epoch in range(math.ceil(steps / feed.steps_per_epoch)):
        found += [probe.of_update(feed, rows) for rows in feed.batches(epoch)]
    return np.array(found[:steps])


def _saving(learner: Learner) -> float:
    """Seconds of keeping the weights once, verified."""
    parameters = [p.detach() for group in learner.optimizer.param_groups for p in group["params"]]
    with tempfile.TemporaryDirectory(prefix="bertune-") as place:
        began = time.perf_counter()
        checkpoint.save(Path(place) / "best-000001", {"model": {str(i): p for i, p in enumerate(parameters)}}, {})
        return time.perf_counter() - began


def _scoring(recipe: Recipe, prepared: Prepared, stores: build.Stores, answering: Cost) -> float:
    """Answers in fp32 for validation and test, intervals of each score, and the word-count baseline."""
    judged = [s for s in (stores.valid, stores.test) if s is not None]
    total = sum(_of(answering, s, recipe) for s in judged)
    intervals = [_intervals(recipe, prepared, len(s)) for s in judged]
    total += sum(intervals)
    if recipe.evaluation.baselines and judged:
        total += _baselines(recipe, prepared, len(judged[-1])) + intervals[-1] * len(prepared.rows.task.baselines)
    return total


def _intervals(recipe: Recipe, prepared: Prepared, rows: int) -> float:
    """Seconds of all scores with intervals over so many rows, by making them once over invented answers."""
    task, classes = prepared.rows.task, prepared.classes
    learned = prepared.examples("train")
    asked = learned.take(np.random.default_rng(0).integers(0, len(learned), rows))
    other = learned.take(np.random.default_rng(1).integers(0, len(learned), rows))
    guesses = task.as_guesses(other, classes)
    judged = task.judged(asked, guesses, classes)
    began = time.perf_counter()
    score(judged, task.metrics, recipe.evaluation.resamples, recipe.seed)
    return time.perf_counter() - began


def _baselines(recipe: Recipe, prepared: Prepared, asked: int) -> float:
    """Seconds of the baselines, from a sample of the rows."""
    task, positions = prepared.rows.task, prepared.splits.train[:: max(1, len(prepared.splits.train) // SAMPLE)]
    few = task.completed(prepared.rows.examples.take(positions), False)
    targets = task.targets(few, prepared.classes)
    total = 0.0
    for name in task.baselines:
        began = time.perf_counter()
        baseline = registry.load("baselines", name)()
        baseline.learn(few, targets, prepared.classes, recipe.seed)
        learned = time.perf_counter() - began
        baseline.guesses(few)
        answered = time.perf_counter() - began - learned
        total += learned * len(prepared.splits.train) / len(positions) + answered * asked / len(positions)
    return total


def _suspects(
    recipe: Recipe, prepared: Prepared, stores: build.Stores, model: Model, machine: Compute, watch: Watch,
    answering: Cost,
) -> float:  # fmt: skip
    """Seconds of the search for wrong labels: the encoder over the rows that are judged, then regressions, by a line
    through the times of a small and of a larger sample: they take long to begin with where classes are many."""
    known = len(prepared.splits.train)  # without changed copies
    judged = min(known, MOST_ROWS)
    reading = _of(answering, stores.train, recipe) * judged / len(stores.train)
    rows = np.arange(0, known, max(1, known // SAMPLE))
    states = mean_states(model, stores.train.take(rows), np.arange(len(rows)), recipe, machine, watch)

    def regressed(every: int) -> float:
        few = rows[::every]
        texts, pairs = prepared.texts(prepared.splits.train[few])
        began = time.perf_counter()
        out_of_sample(states[::every], texts, pairs, stores.train.classes[few], len(prepared.classes), recipe.seed)
        return time.perf_counter() - began

    more = regressed(1)
    each = max(0.0, more - regressed(SMALLER)) / (len(rows) - len(rows[::SMALLER])) if judged > len(rows) else 0.0
    return reading + more + each * (judged - len(rows))


def _sizes(learner: Learner) -> tuple[int, int, int]:
    """Bytes of the weights that learn, of their averages, and of the optimizer's state."""
    learning = sum(p.numel() * p.element_size() for g in learner.optimizer.param_groups for p in g["params"])
    averages = learning if learner.averages is not None else 0
    return learning, averages, _bytes(checkpoint.optimizer_tensors(learner.optimizer)[0])


def _disk(model: Model, sizes: tuple[int, int, int], minutes: float, seeds: int, recipe: Recipe) -> tuple[int, int]:
    """Bytes at most while a run of so many minutes a seed goes on, and bytes that it leaves (the model).

    There are for each seed a checkpoint for each interval, as far as they are kept, the one at the end without the
    optimizer's state, and the best weights.
    """
    whole = _bytes(model.network.state_dict())
    learning, averages, state = sizes
    full = min(KEEP + 1, int(minutes / recipe.training.checkpoint_minutes))
    each = full * (learning + averages + state) + (learning + averages) + ADRIFT * learning
    return whole + seeds * each, whole


def _bytes(tensors: dict[str, torch.Tensor]) -> int:
    return sum(t.numel() * t.element_size() for t in tensors.values())


def _size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def told_seconds(seconds: float) -> str:
    """A time for people: 8 s, 1 min 10 s, 2 h 05 min."""
    whole = max(1, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def told_bytes(size: int) -> str:
    """A size for people in MB or GB (2^20 and 2^30 bytes)."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{math.ceil(size / 2**20):,} MB"


def _tell(bill: Bill, teller: Teller) -> None:
    parts = " · ".join(f"{name} {told_seconds(s)}" for name, s in bill.seconds_of.items() if round(s) >= 1)
    steps = counted(bill.steps, "step") + (f" of each of {bill.seeds} seeds" if bill.seeds > 1 else "")
    teller.say(
        "bill",
        f"{steps} · about {told_seconds(bill.seconds)}, less where it stops early · "
        f"{told_bytes(bill.memory_bytes)} memory · {told_bytes(bill.disk_bytes)} disk, of which "
        f"{told_bytes(bill.disk_left_bytes)} stay",
        **asdict(bill),
    )
    if parts:
        teller.say("time", parts)
    teller.say("next", "the same command without --dry-run starts the run; nothing was written")
