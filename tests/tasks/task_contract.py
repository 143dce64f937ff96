"""What every task must hold to, as checks that raise AssertionError; `Made` is a tiny model set up for a task."""

import csv
import json
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bertune.base import registry
from bertune.base.types import Roles
from bertune.data.store import TokenStore, write
from bertune.data.tokenizer import TextTokenizer
from bertune.evaluate.calibration import softmax
from bertune.evaluate.predict import predict
from bertune.model.encoder import Model, load

STILL = {"dropout": 0.0, "attention_dropout": 0.0, "head_dropout": 0.0}
LENGTH = 32
EIGHT = (
    ("a lovely film", "it was good", "good"),
    ("an awful meal", "it was bad", "bad"),
    ("the room is warm", "very kind", "good"),
    ("stale and cold", "quite rude", "bad"),
    ("superb cast", "a bright song", "good"),
    ("broken plot", "a dull book", "bad"),
    ("happy day", "so fresh", "good"),
    ("sad grey room", "bitter", "bad"),
)
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
    """A task with eight rows of its own and a tiny model for them."""

    task: Any
    model: Model
    tokenizer: TextTokenizer
    store: TokenStore
    classes: tuple[str, ...]
    texts: list[str]
    pairs: list[str] | None
    labels: list[str]


def make(name: str, folder: Path, place: Path, task: Any = None) -> Made:
    """Eight rows of a task, encoded, and a model without dropout."""
    task = task or registry.load("tasks", name)()
    texts, pairs = [one for one, _, _ in EIGHT], [two for _, two, _ in EIGHT] if task.pairs else None
    labels = [label for _, _, label in EIGHT]
    classes = task.classes(labels)
    tokenizer = TextTokenizer(folder)
    store = write(place, task.encode(texts, pairs, tokenizer, LENGTH), task.targets(labels, classes), "eight rows")
    model = load(folder, task.head, classes, tokenizer.pad_id, 0, STILL)
    return Made(task, model, tokenizer, store, classes, texts, pairs, labels)


def check_declared(task: Any) -> None:
    """Name, columns with an example that has them, losses and metrics of its kind, baselines that exist."""
    header = next(csv.reader(StringIO(task.example)))
    assert tuple(header) == tuple(task.columns), "the example shows the columns"
    assert len(list(csv.reader(StringIO(task.example)))) >= 3, "the example has rows"
    assert task.loss_kind in registry.load("losses", task.default_loss).kinds, "the default loss fits"
    assert task.metrics and set(task.metrics) <= set(registry.names("metrics"))
    assert registry.load("metrics", task.metrics[0]).best in ("high", "low")
    assert set(task.baselines) <= set(registry.names("baselines"))
    pair = "text_pair" if "text_pair" in task.columns else None
    assert task.recognise(Roles("text", pair, "label")), "a task knows its own columns"


def loss_of(made: Made, rows: Any = None) -> float:
    """The mean of the task's default loss over some rows, in evaluation mode."""
    loss = registry.load("losses", made.task.default_loss)()
    made.model.network.eval()
    batch = made.store.batch(np.arange(len(made.store)) if rows is None else rows)
    with torch.no_grad():
        terms = loss(made.model(batch).logits, batch.targets)
    return float((terms.values * terms.weights).sum() / terms.weights.sum())


def check_learns_by_heart(made: Made, steps: int = 30) -> None:
    """Eight rows are known without a fault after 30 updates."""
    loss = registry.load("losses", made.task.default_loss)()
    optimizer = torch.optim.AdamW(made.model.network.parameters(), 1e-2)
    before = loss_of(made)
    for _ in range(steps):
        batch = made.store.batch(np.arange(len(made.store)))
        terms = loss(made.model(batch).logits, batch.targets)
        optimizer.zero_grad()
        ((terms.values * terms.weights).sum() / terms.weights.sum()).backward()
        torch.nn.utils.clip_grad_norm_(made.model.network.parameters(), 1.0)
        optimizer.step()
    guessed = made.task.decode(probabilities(made))
    assert guessed.tolist() == made.store.targets.tolist(), "eight rows were not learnt by heart"
    assert loss_of(made) < 0.2 * before


def probabilities(made: Made, store: TokenStore | None = None) -> Any:
    """The answers of the model for a store."""
    return softmax(predict(made.model, store or made.store, batch_size=3, max_tokens=4096).logits)


def check_packed_is_padded(made: Made) -> None:
    """A packed batch answers what the tokenizer's own padding answers through plain transformers."""
    made.model.network.eval()
    given = (made.texts,) if made.pairs is None else (made.texts, made.pairs)
    padded = made.tokenizer.inner(
        *given, padding="max_length", max_length=LENGTH, truncation="longest_first", return_tensors="pt"
    )
    with torch.no_grad():
        expected = made.model.network(**padded).logits
        packed = made.model(made.store.batch(np.arange(len(made.store)))).logits
    assert float((expected - packed).abs().max()) < 1e-5, "packed differs from padded"


def check_order_does_not_matter(made: Made) -> None:
    """The answers of shuffled rows are the shuffled answers, and a batch of one answers alike."""
    order = np.array([5, 2, 7, 0, 1, 6, 3, 4])
    made.model.network.eval()
    with torch.no_grad():
        straight = made.model(made.store.batch(np.arange(8))).logits
        shuffled = made.model(made.store.batch(order)).logits
        alone = torch.cat([made.model(made.store.batch(np.array([row]))).logits for row in range(8)])
    assert float((straight[order] - shuffled).abs().max()) < 1e-5, "the order of the rows matters"
    assert float((straight - alone).abs().max()) < 1e-5, "the neighbours of a row matter"


def check_decode(made: Made) -> None:
    """Certain answers decode to the gold, gold labels survive targets, and rows without gold are left out."""
    targets = made.task.targets(made.labels, made.classes)
    certain = np.eye(len(made.classes))[targets]
    assert made.task.decode(certain).tolist() == targets.tolist(), "decode(gold) is not gold"
    assert [made.classes[i] for i in targets] == made.labels, "labels do not survive"
    assert made.task.targets([None, "of no class"], made.classes).tolist() == [-1, -1]
    judged = made.task.judged(np.append(targets, -1), np.vstack([certain, certain[:1]]), made.classes)
    assert judged.gold.tolist() == judged.guess.tolist() == targets.tolist()
    assert set(made.task.classes([*made.labels, None])) == set(made.labels)


def check_odd_rows(made: Made, place: Path) -> None:
    """Empty, one-character, very long, emoji and right-to-left rows are answered, with numbers that JSON can hold."""
    texts = list(ODD)
    pairs = None if made.pairs is None else texts[::-1]
    targets = np.full(len(texts), -1, np.int64)
    store = write(place, made.task.encode(texts, pairs, made.tokenizer, LENGTH), targets, "odd rows")
    assert len(store) == len(texts) and int(store.lengths.max()) <= LENGTH and int(store.lengths.min()) >= 1
    answers = probabilities(made, store)
    assert answers.shape == (len(texts), len(made.classes))
    assert np.isfinite(answers).all() and np.allclose(answers.sum(1), 1)
    guessed = made.task.decode(answers)
    told = json.dumps(
        [
            {"prediction": made.classes[guess], "probabilities": dict(zip(made.classes, row.tolist(), strict=True))}
            for guess, row in zip(guessed.tolist(), answers, strict=True)
        ],
        allow_nan=False,
    )
    assert all(set(answer["probabilities"]) == set(made.classes) for answer in json.loads(told))
