"""Answers of cheap real models to the test rows of public sets: the populations of intervals.py and compare_null.py.

The model is the TF-IDF baseline, learned from nine tenths of the training rows, with a temperature from the last tenth.
"""

from pathlib import Path

import numpy as np
import polars as pl

from bertune.base.types import Judged
from bertune.evaluate.baselines.tfidf import Tfidf
from bertune.metrics._calibration import fit_temperature, softmax

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {  # name: (training file, test file or None: the second half, text column, label column)
    "sms": ("sms_spam/all.parquet", None, "text", "label"),
    "sst2": ("sst2_sentences/train.parquet", "sst2_sentences/test.parquet", "sentence", "label"),
    "goemotions": ("goemotions/train.parquet", "goemotions/test.parquet", "text", "labels"),
    "banking77": ("banking77/train.parquet", "banking77/test.parquet", "text", "label"),
    "imdb": ("imdb_sample/train.parquet", "imdb_sample/test.parquet", "text", "label"),
    "chnsenticorp": ("chnsenticorp/train.parquet", "chnsenticorp/test.parquet", "text", "label"),
    "semeval": ("semeval2010_task8/train.parquet", "semeval2010_task8/test.parquet", "text", "label"),
}
CHOOSING = ("sms", "sst2", "goemotions", "synthetic 2", "synthetic 10", "synthetic perfect")
OTHER_KINDS = ("synthetic values", "synthetic labels", "synthetic spans")  # for metrics that judge no classes
REPORTING = ("banking77", "imdb", "chnsenticorp", "semeval")


def population(name: str, data: Path = DATA, strength: float = 10.0) -> Judged:
    """All test rows of a set, answered; `strength` is that of the baseline. Names with `synthetic` are made up."""
    if name.startswith("synthetic"):
        return _synthetic(name)
    train, test, text, label = SETS[name]
    rows = _single(pl.read_parquet(data / train), label).sample(fraction=1.0, shuffle=True, seed=0)
    asked = _single(pl.read_parquet(data / test), label) if test else rows.tail(len(rows) // 2)
    rows = rows if test else rows.head(len(rows) - len(asked))
    classes = sorted(rows[label].unique())
    number = {name: i for i, name in enumerate(classes)}
    asked = asked.filter(pl.col(label).is_in(classes))
    targets, gold = (np.array([number[v] for v in t[label]]) for t in (rows, asked))
    learned = len(rows) * 9 // 10
    part = Tfidf(strength=strength)
    part.fit(rows[text][:learned].to_list(), None, targets[:learned], len(classes), 0)
    held, answered = (_logits(part.probabilities(t.to_list(), None)) for t in (rows[text][learned:], asked[text]))
    chance = softmax(answered, fit_temperature(held, targets[learned:]))
    return Judged(gold, chance.argmax(axis=1), chance, tuple(classes))


def _single(rows: pl.DataFrame, label: str) -> pl.DataFrame:
    """Of rows with several labels in one text (goemotions) those with one."""
    if label != "labels":
        return rows
    return rows.filter(pl.col(label).list.len() == 1).with_columns(pl.col(label).list.first())


def _logits(chance: np.ndarray) -> np.ndarray:
    return np.log(np.clip(chance, 1e-12, None))


def _synthetic(name: str) -> Judged:
    """20,000 rows; `perfect`: three classes, probabilities exactly right; `2` and `10`: classes, too sure of itself."""
    chance = np.random.default_rng(5)
    made = {"synthetic values": _values, "synthetic labels": _labels, "synthetic spans": _spans}
    if name in made:
        return made[name](chance, 20_000)
    classes = {"synthetic perfect": 3}.get(name) or int(name.split()[1])
    logits = chance.normal(0, 2.5, (20_000, classes))
    truth = softmax(logits, 1.0 if name.endswith("perfect") else 1.5)
    gold = (truth.cumsum(axis=1) > chance.random((len(truth), 1))).argmax(axis=1)
    given = softmax(logits)
    return Judged(gold, given.argmax(axis=1), given, tuple(str(k) for k in range(classes)))


def _values(chance: np.random.Generator, rows: int) -> Judged:
    """Similarities from 0 to 5 in steps of a fifth, guessed with errors of which few are large."""
    gold = np.round(5 * np.clip(chance.normal(2.8, 1.4, rows), 0, 5)) / 5
    return Judged(gold, np.clip(gold + 0.5 * chance.standard_t(4, rows), 0, 5), None, ())


def _labels(chance: np.random.Generator, rows: int) -> Judged:
    """Ten labels, the commonest on 30 and the rarest on 2 rows of 100."""
    gold = chance.random((rows, 10)) < np.geomspace(0.3, 0.02, 10)
    given = 1 / (1 + np.exp(2.0 - 4.0 * gold - chance.normal(0, 1.5, gold.shape)))
    return Judged(gold, given >= 0.5, given, tuple(str(k) for k in range(10)))


def _spans(chance: np.random.Generator, rows: int) -> Judged:
    """Some two spans of four types a row; rows are easy or hard, and their mistakes come together."""
    types = ("LOC", "MISC", "ORG", "PER")
    gold, guess = (np.empty(rows, dtype=object) for _ in range(2))
    for row, ease in enumerate(chance.beta(6, 1.5, rows)):
        at = np.flatnonzero(chance.random(10) < 0.2).tolist()
        gold[row] = tuple((3 * k, 3 * k + 2, types[int(chance.integers(4))]) for k in at)
        found = [span for span in gold[row] if chance.random() < ease]
        extra = [(3 * k, 3 * k + 1, types[int(chance.integers(4))]) for k in range(10)
                 if k not in at and chance.random() > 0.97 + 0.03 * ease]  # fmt: skip
        guess[row] = tuple(sorted([*found, *extra]))
    return Judged(gold, guess, None, types)
