"""Rows whose label is probably wrong: confident learning over out-of-sample probabilities, and what was learnt late."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from bertune.base import registry, seeds
from bertune.base.types import Floats, Ints
from bertune.evaluate.logistic import logistic

MOST_ROWS = 20_000  # rows that one fold learns from; more change the probabilities little and cost much
LATE = 0.5  # of the mean probability of a class while it is learnt
STRENGTHS = (0.003, 0.03, 0.3)  # inverse L2 penalties tried on the first fold
WORDS_TOLERANCE = 3e-3  # the ranking of the suspects settles long before the last digit of the weights


@dataclass(frozen=True)
class Suspect:
    """A row (position) whose given class is probably wrong, the class suggested instead, and how sure that is.

    `score` in [0, 1], the smaller the surer: the normalised margin (p(given) - max p(other) + 1) / 2; where it is known
    how the row was learnt, the mean of p(given) and of its probability while it was learnt.
    """

    row: int
    given: int
    suggested: int
    score: float

    def as_json(self) -> dict[str, float | int]:
        """The suspect as plain values."""
        return asdict(self)


def suspects(probabilities: Floats, given: Ints, confidence: Floats | None = None) -> list[Suspect]:
    """Rows whose given class is probably wrong, the surest first.

    probabilities[rows, classes] must be out of sample (see `cross_validated`), given[rows] are the labels as they
    stand. A row is a suspect when it counts in the confident joint as another class, and the likeliest class is not
    the given one. Source: Northcutt, Jiang and Chuang (2021), Confident Learning, eq. 1-2 and section 3.2 (rank by
    normalised margin). Reference: cleanlab's find_label_issues(filter_by="confident_learning").

    `confidence`[rows] is how probable each given class was while its row was learnt, NaN where unknown. Rows with less
    than LATE of the mean of their class are suspects too, those with more than the mean are none, and both together
    decide which is the surest.
    """
    chance = np.asarray(probabilities, dtype=np.float64)
    given = np.asarray(given, dtype=np.int64)
    if not len(given):
        return []
    rows = np.arange(len(given))
    likeliest = chance.argmax(axis=1)
    passes = chance >= _means(chance[rows, given], given, chance.shape[1]) - 1e-6
    count = passes.sum(axis=1)
    confident = np.where(count > 1, likeliest, passes.argmax(axis=1))
    wrong = (count > 0) & (confident != given) & (likeliest != given)
    others = chance.copy()
    others[rows, given] = -np.inf
    margin = np.clip((chance[rows, given] - others.max(axis=1) + 1.0) / 2.0, 0.0, 1.0)
    score = margin
    if confidence is not None and (known := ~np.isnan(confidence)).any():
        usual = _means(confidence[known], given[known], chance.shape[1])[given]
        wrong = np.where(known, (confidence < LATE * usual) | (wrong & (confidence <= usual)), wrong)
        own = chance[rows, given]
        score = np.where(known, (own + confidence) / 2.0, own)
    found = np.flatnonzero(wrong)
    return [
        Suspect(int(i), int(given[i]), int(others[i].argmax()), float(score[i]))
        for i in found[np.argsort(score[found], kind="stable")]
    ]


def _means(values: Floats, given: Ints, classes: int) -> Floats:
    """Mean of the values of the rows given each class [classes]; out of reach for a class without rows."""
    n = np.bincount(given, minlength=classes)
    total = np.bincount(given, weights=values, minlength=classes)
    return np.asarray(np.where(n > 0, total / np.maximum(n, 1), np.inf))


def cross_validated(
    features: Floats, targets: Ints, classes: int, seed: int, *, folds: int = 5, groups: Ints | None = None
) -> Floats:
    """Out-of-sample probabilities [rows, classes] by logistic regression on standardised features [rows, d].

    Each row is judged by a model that saw neither it nor a row of its group (near duplicates share one). Classes are
    spread evenly over the folds; a class that is absent from a fold's training rows gets 0 there. The L2 strength is
    the best of three on the first fold. Each fold learns from at most 20,000 rows, drawn by seed.
    """
    features = np.asarray(features, dtype=np.float32)
    targets = np.asarray(targets, dtype=np.int64)
    fold = assign_folds(targets, seed, folds, groups)
    found = np.zeros((len(targets), classes))
    strength: float | None = None
    for k in range(folds):
        held, train = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        if len(train) > MOST_ROWS:
            train = np.sort(seeds.generator(seed, "fold", k).choice(train, MOST_ROWS, replace=False))
        if not len(held) or not len(train):
            found[held] = 1.0 / classes
            continue
        scaler: Any = StandardScaler()
        scaler.fit(features[train])
        x, unseen = scaler.transform(features[train]), scaler.transform(features[held])
        tried = STRENGTHS if strength is None else (strength,)
        fits = [_fit(x, targets[train], unseen, classes, c) for c in tried]
        best = int(np.argmin([_loss(p, targets[held]) for p in fits]))
        strength, found[held] = tried[best], fits[best]
    return found


def words_cross_validated(
    texts: Sequence[str], pairs: Sequence[str] | None, targets: Ints, classes: int, seed: int, *, folds: int = 5,
    groups: Ints | None = None,
) -> Floats:  # fmt: skip
    """Out-of-sample probabilities [rows, classes] by the word-count baseline, over the folds of `cross_validated`."""
    targets = np.asarray(targets, dtype=np.int64)
    fold = assign_folds(targets, seed, folds, groups)
    found = np.full((len(targets), classes), 1.0 / classes)
    for k in range(folds):
        held, train = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
        if not len(held) or not len(train):
            continue
        model = registry.load("baselines", "tfidf")(tolerance=WORDS_TOLERANCE)
        model.fit(*_some(texts, pairs, train), targets[train], classes, seed)
        found[held] = model.probabilities(*_some(texts, pairs, held))
    return found


def _some(texts: Sequence[str], pairs: Sequence[str] | None, rows: Ints) -> tuple[list[str], list[str] | None]:
    return [texts[i] for i in rows.tolist()], None if pairs is None else [pairs[i] for i in rows.tolist()]


def out_of_sample(
    features: Floats, texts: Sequence[str], pairs: Sequence[str] | None, targets: Ints, classes: int, seed: int,
    groups: Ints | None = None,
) -> Floats:  # fmt: skip
    """What two judges that err in different rows say of rows they have not seen: the mean of both [rows, classes].

    One reads an encoder's features, the other counts words; of the rows where one errs the other mostly does not, and
    so the surest suspects are more often wrong labels (docs/lab-notebook.md).
    """
    by_features = cross_validated(features, targets, classes, seed, groups=groups)
    return (by_features + words_cross_validated(texts, pairs, targets, classes, seed, groups=groups)) / 2.0


def assign_folds(targets: Ints, seed: int, folds: int = 5, groups: Ints | None = None) -> Ints:
    """The fold of each row [rows], from 0: groups stay whole, classes and sizes are as even as that allows.

    Groups go one by one, the largest first, to the fold that has the fewest rows of their classes (then the fewest
    rows): a rare class reaches as many folds as it has groups.
    """
    rows = len(targets)
    _, group = np.unique(np.arange(rows) if groups is None else np.asarray(groups), return_inverse=True)
    order = seeds.generator(seed, "folds").permutation(rows)
    members: dict[int, list[int]] = {}
    for row in order.tolist():
        members.setdefault(int(group[row]), []).append(row)
    fold = np.zeros(rows, dtype=np.int64)
    share = 1.0 / np.maximum(np.bincount(targets), 1)
    per_class = np.zeros((folds, len(share)))
    sizes = np.zeros(folds)
    # A stable sort: groups of one size stay in their seeded order.
    for rows_of_group in sorted(members.values(), key=len, reverse=True):
        kinds = targets[rows_of_group]
        load = (per_class[:, kinds] * share[kinds]).sum(axis=1)
        chosen = int(np.lexsort((sizes, np.round(load, 9)))[0])
        fold[rows_of_group] = chosen
        np.add.at(per_class[chosen], kinds, 1.0)
        sizes[chosen] += len(rows_of_group)
    return fold


def _loss(chance: Floats, gold: Ints) -> float:
    return float(-np.log(np.maximum(chance[np.arange(len(gold)), gold], 1e-6)).mean())


def _fit(x: Floats, y: Ints, unseen: Floats, classes: int, strength: float) -> Floats:
    """Probabilities [unseen rows, classes] of a logistic regression on x[rows, d], y[rows]."""
    found = np.zeros((len(unseen), classes))
    seen = np.unique(y)
    if len(seen) == 1:
        found[:, seen[0]] = 1.0
        return found
    model = logistic(x, y, strength=strength, tolerance=1e-3, steps=60)
    found[:, model.classes_] = model.predict_proba(unseen)
    return np.asarray(found / found.sum(axis=1, keepdims=True))
