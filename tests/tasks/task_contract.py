"""What every task must hold to, as checks that raise AssertionError; `Made` is a tiny model set up for a task.

The rows are those of the task's own example, so that a new task is one file.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from bertune.base import registry
from bertune.base.sections import DataSection
from bertune.base.types import Examples, Guesses, Roles, Table, Tuned
from bertune.data.store import TokenStore, in_memory, write
from bertune.data.table import read
from bertune.data.tokenizer import TextTokenizer
from bertune.evaluate.predict import predict
from bertune.model.encoder import Model, head_of, load
from bertune.runs.answers import in_column
from bertune.runs.examples import examples_of, task_and_roles
from bertune.runs.finish import answer_columns, write_parquet
from bertune.tasks._task import Tuning

STILL = {"dropout": 0.0, "attention_dropout": 0.0, "head_dropout": 0.0}
LENGTH = 48
CLOSE = {"value": 0.05}  # by how much the best metric may be missed after learning by heart
ODD = (  # empty, one character, very long, emoji, right to left, control characters, spaces, no spaces
    "",
    "a",
    "word " * 400,
    "😀👍🏽 👩‍👩‍👧‍👦",
    "مرحبا بالعالم שלום",
    "\u202eevil\u202c",
    "\x00\x07",
    "   ",
    "字" * 50,
)


@dataclass
class Made:
    """A task with the rows of its example and a tiny model for them."""

    task: Any
    table: Table
    roles: Roles
    examples: Examples
    classes: tuple[str, ...]
    unit: Tuned
    model: Model
    tokenizer: TextTokenizer
    store: TokenStore


def table_of_example(task: Any, place: Path) -> Table:
    """The task's example, read as a file of its format."""
    place.mkdir(parents=True, exist_ok=True)
    file = place / task.file
    file.write_text(task.example, encoding="utf-8")
    return read(file, DataSection())


def make(name: str, folder: Path, place: Path, task: Any = None) -> Made:
    """The example's rows, encoded, and a model without dropout."""
    kind = registry.load("tasks", name)
    table = table_of_example(kind, place)
    _, roles = task_and_roles(name, {}, table, {})
    task = task or kind()
    examples = examples_of(task, table, roles)
    classes, unit = task.classes(examples.gold), task.unit(examples)
    tokenizer = TextTokenizer(folder, task.special_tokens)
    targets = task.targets(examples, classes, unit)
    store = write(place / "store", task.encode(examples, classes, tokenizer, LENGTH), targets, "its rows", task.level)
    changes = STILL | ({} if task.problem is None else {"problem_type": task.problem})
    head = head_of(task.head, task.answering)
    model = load(folder, head, classes, tokenizer.pad_id, 0, changes, tokenizer.vocabulary)
    return Made(task, table, roles, examples, classes, unit, model, tokenizer, store)


def check_declared(task: Any, place: Path) -> None:
    """Example rows that are recognised as this task alone, losses and metrics of its kind, baselines that exist."""
    table = table_of_example(task, place)
    assert set(task.columns) <= set(table.names), "the example shows the columns"
    assert len(table) >= 8, "the example has rows enough to learn from"
    found, roles = task_and_roles("auto" if task.found else task.name, {}, table, {})
    assert found.name == task.name, "a task knows its own columns"
    assert roles.label in task.columns or roles.label is None
    assert task.loss_kind in registry.load("losses", task.default_loss).kinds, "the default loss fits"
    known = registry.names("metrics")
    assert task.metrics and {*task.metrics, *task.watched} <= set(known)
    assert {registry.load("metrics", m).kind for m in (*task.metrics, *task.watched)} == {task.kind}
    assert f"of_{task.kind}" in registry.names("details")
    assert all(task.kind in registry.load("baselines", b).kinds for b in task.baselines)


def guesses(made: Made, tune: bool = False) -> Guesses:
    """What the model says of the example's rows, read as the task tunes itself to them where that is asked for."""
    answers = predict(made.model, made.store, batch_size=3, max_tokens=4096).scaled(made.unit)
    tuned = made.unit
    if tune:
        tuning = Tuning(registry.load("metrics", made.task.metrics[0])(), made.unit, calibration=False)
        found = made.task.tune(made.examples, made.store, answers, made.classes, tuning)
        tuned = replace(made.unit, more={**made.unit.more, **found.more})
    return made.task.decode(made.examples, made.store, answers, made.classes, tuned)


def best(made: Made) -> tuple[float, float]:
    """The first metric of the model's answers, and of answers that are right."""
    metric = registry.load("metrics", made.task.metrics[0])()
    said, right = guesses(made, tune=True), made.task.as_guesses(made.examples, made.classes)
    return tuple(float(metric(made.task.judged(made.examples, g, made.classes))) for g in (said, right))


def terms_of(made: Made, loss: Any) -> torch.Tensor:
    """The mean of a loss over the rows."""
    batch = made.store.batch(np.arange(len(made.store)))
    output = made.model(batch)
    terms = loss(output.logits, output.targets)
    return (terms.values * terms.weights).sum() / terms.weights.sum()


def check_learns_by_heart(made: Made, steps: int = 200) -> None:
    """The rows are known without a fault after 200 updates at the latest."""
    loss = registry.load("losses", made.task.default_loss)()
    loss.fit(torch.from_numpy(np.asarray(made.store.targets)), max(1, len(made.classes)))
    parameters = [parameter for _, parameter in made.model.named_parameters()]
    optimizer = torch.optim.AdamW(parameters, 5e-3)
    made.model.network.eval()
    before = float(terms_of(made, loss).detach())
    close, known = CLOSE.get(made.task.kind, 0.0), False
    for step in range(1, steps + 1):
        optimizer.zero_grad()
        terms_of(made, loss).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5e-3)
        optimizer.step()
        if step % 50 == 0:
            reached, wanted = best(made)
            known = abs(reached - wanted) <= close and float(terms_of(made, loss).detach()) < 0.3 * before
        if known:
            break
    assert known, "the rows were not learnt by heart"


def check_order_does_not_matter(made: Made) -> None:
    """The answers of shuffled rows are the shuffled answers, and a row alone, without any padding, answers alike."""
    rows, level = len(made.store), made.model.head.level
    order = np.random.default_rng(0).permutation(rows)
    made.model.network.eval()
    with torch.no_grad():
        straight = made.model.answers(made.store.batch(np.arange(rows)))
        shuffled = made.model.answers(made.store.batch(order))
        alone = torch.cat([made.model.answers(made.store.batch(np.array([row]))) for row in range(rows)])
    assert float((straight[made.store.items(order, level)] - shuffled).abs().max()) < 1e-5, "the order matters"
    assert float((straight - alone).abs().max()) < 1e-5, "the neighbours of a row matter"


def check_reads_its_texts(made: Made) -> None:
    """Rows with other texts get other answers."""
    made.model.network.eval()
    with torch.no_grad():
        each = [made.model.answers(made.store.batch(np.array([row]))) for row in range(len(made.store))]
    first = each[0].reshape(-1)[: min(len(e.reshape(-1)) for e in each)]
    apart = [float((e.reshape(-1)[: len(first)] - first).abs().max()) for e in each[1:]]
    assert max(apart) > 1e-3, "every row gets the same answer"


def check_decode(made: Made) -> None:
    """Gold that is answered is gold again, in `Judged` and on its way out, and rows without gold are known as such."""
    right = made.task.as_guesses(made.examples, made.classes)
    reached = made.task.judged(made.examples, right, made.classes)
    assert all(_same(a, b) for a, b in zip(reached.gold, reached.guess, strict=True)), "gold answered is not gold"
    entries = [made.task.answer(right, row, made.classes) for row in range(len(right))]
    labels = [made.task.label(gold) for gold in made.examples.gold]
    assert all(_same(entry["prediction"], label) for entry, label in zip(entries, labels, strict=True))
    assert all(set(entry) == set(made.task.fields(made.classes)) for entry in entries)
    known = made.task.known([*made.examples.gold, None], made.classes)
    assert known[:-1].all() and not known[-1]


def check_judged_again(made: Made, place: Path) -> None:
    """What a predictions file holds is judged as it was when it was written, in the same classes and in more."""
    found = guesses(made)
    first = made.task.judged(made.examples, found, made.classes)
    write_parquet(place, answer_columns(made.task, made.examples, found, made.classes))
    columns = pq.read_table(place).to_pydict()
    again = made.task.judged_again(columns, made.classes, made.classes)
    for name in made.task.metrics:
        metric = registry.load("metrics", name)()
        assert abs(float(metric(again)) - float(metric(first))) < 1e-9, name
    more = made.task.judged_again(columns, made.classes, tuple(sorted([*made.classes, "another"])))
    assert _right(more) == _right(again) == _right(first), "other rows are right among more classes"


def _right(judged: Any) -> list[bool]:
    return [_same(gold, guess) for gold, guess in zip(judged.gold, judged.guess, strict=True)]


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, float):
        return abs(one - float(two)) < 1e-6
    if isinstance(one, frozenset):
        return one == set(two)
    if made_of_answers(one, two):
        return two in one or (not one and not two)
    return bool(np.array_equal(one, two)) if isinstance(one, np.ndarray) else one == two


def made_of_answers(one: Any, two: Any) -> bool:
    """Whether gold is a tuple of acceptable texts and the guess a text."""
    return isinstance(one, tuple) and isinstance(two, str)


def odd_examples(made: Made) -> Examples:
    """Rows of odd texts, everything else as in the example, without gold."""
    again = np.arange(len(ODD)) % len(made.table)
    odd = made.table.take(again).with_column(made.roles.text, pa.array(list(ODD)))
    if made.roles.text_pair is not None:
        odd = odd.with_column(made.roles.text_pair, pa.array(list(ODD[::-1])))
    found = examples_of(made.task, odd, replace(made.roles, label=None), (), "")
    return replace(found, gold=None)


def check_odd_rows(made: Made) -> None:
    """Empty, one-character, very long, emoji and right-to-left rows are answered, with values that JSON can hold."""
    examples = odd_examples(made)
    parts = made.task.encode(examples, made.classes, made.tokenizer, LENGTH)
    store = in_memory(parts, np.zeros(len(examples), np.int64))
    assert len(store) == len(ODD) and int(store.lengths.min()) >= 1
    assert int(np.diff(store.starts).max()) <= LENGTH, "a text is longer than it may be"
    answers = predict(made.model, store, batch_size=3, max_tokens=4096).scaled(made.unit)
    assert np.isfinite(answers.values).all() and len(answers.starts) == len(ODD) + 1
    found = made.task.decode(examples, store, answers, made.classes, made.unit)
    assert len(found) == len(ODD)
    fields = made.task.fields_of(found, made.classes)
    for row in range(len(ODD)):
        entry = made.task.answer(found, row, made.classes)
        json.dumps(entry, allow_nan=False)
        for name, kind in fields.items():
            pa.array([in_column(entry[name], kind)], kind)
        assert isinstance(made.task.shown(entry["prediction"]), str)


def check_baselines(made: Made) -> None:
    """Every baseline of the task learns from its rows and gives guesses that it can be judged and told by."""
    targets = made.task.targets(made.examples, made.classes)
    for name in made.task.baselines:
        part = registry.load("baselines", name)()
        part.learn(made.examples, targets, made.classes, 0)
        found = part.guesses(replace(made.examples, gold=None))
        assert len(found) == len(made.examples)
        reached = made.task.judged(made.examples, found, made.classes)
        for metric in made.task.metrics:
            assert np.isfinite(registry.load("metrics", metric)()(reached)), (name, metric)


def check_loaded_by_others(made: Made, folder: Path) -> None:
    """The saved network, loaded by transformers alone, gives the numbers that bertune's answers are made of."""
    import transformers

    network = getattr(transformers, made.model.head.network).from_pretrained(folder).eval()
    batch = made.store.batch(np.arange(len(made.store)))
    again = Model(network, made.model.pad_id, made.model.head)
    with torch.no_grad():
        assert float((again.answers(batch) - made.model.answers(batch)).abs().max()) < 1e-5
