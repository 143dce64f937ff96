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
    classes = {"synthetic perfect": 3}.get(name) or int(name.split()[1])
    logits = chance.normal(0, 2.5, (20_000, classes))
    truth = softmax(logits, 1.0 if name.endswith("perfect") else 1.5)
    gold = (truth.cumsum(axis=1) > chance.random((len(truth), 1))).argmax(axis=1)
    given = softmax(logits)
    return Judged(gold, given.argmax(axis=1), given, tuple(str(k) for k in range(classes)))
