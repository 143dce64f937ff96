"""Metrics of resampled rows, alike for every metric: rows drawn with replacement, with one imagined row among them.

Rows alone say too little where mistakes are rare: a model without a mistake on 60 rows is not certain to make none on
the next 60. So one imagined row, right half the time, joins the rows that resamples are drawn from (never the score
itself). Its class is any of those that occur alike; its text one of the class; where its answer has to turn right or
wrong, the probabilities of two classes change places. For accuracy this is Jeffreys' prior (half a right and half a
wrong answer). Of two judgings one is right in the imagined row and the other wrong; metrics of probabilities go without
it there, since a row in which two models differ so much would drown what they differ by.

Only of an answer that is one class is it known how the wrong ones look: metrics of every other kind (numbers, several
labels, rankings, spans, texts) are resampled from the rows alone.

Metrics of counts are resampled by cells of (gold, guess): the counts of resampled rows are multinomial, so this is the
same distribution and its cost does not grow with the rows. Metrics of sums are resampled by what each row brings to
them, times how often it was drawn.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from bertune.base import seeds
from bertune.base.types import Floats, Ints, Judged
from bertune.metrics._confusion import Counts, OfCounts
from bertune.metrics._probabilities import OfRows, OfWeights, Weighted
from bertune.metrics._sums import OfSums

AT_ONCE = 2_000_000  # numbers drawn at once: 16 MB
MOST_WORK = 100_000_000  # rows x classes x resamples of a metric that must be computed anew for each resample
FEWEST_RESAMPLES = 200
POOL = 200  # forms that the imagined row takes


class Metric(Protocol):
    """What a metric is to this room: any function of a judging."""

    def __call__(self, judged: Judged, /) -> float:
        """The metric of one judging."""
        ...


@dataclass(frozen=True, eq=False)
class Resampled:
    """values[judgings, resamples], and which resamples hold real rows alone [resamples] (some 37 %)."""

    values: Floats
    real: NDArray[np.bool_]


def resampled(metric: Metric, judgings: tuple[Judged, ...], resamples: int, seed: int) -> Resampled:
    """The metric of each judging on the same resampled rows.

    Metrics that are none of functions of counts, functions of sums and means of rows (those of rankings) are computed
    anew for each resample; on large data fewer resamples are then drawn, never fewer than 200.
    """
    random = seeds.generator(seed, "bootstrap")
    imagined = _imagine(judgings, random) if kind_of(metric) == "class" else []
    if isinstance(metric, OfCounts):
        return _by_cells(metric, judgings, imagined, resamples, random)
    rows, pool = len(judgings[0]), len(imagined[0]) if imagined else 0
    joined = [join(j, i) for j, i in zip(judgings, imagined, strict=True)] if imagined else list(judgings)
    drawing = _draws(rows, 0 if len(joined) > 1 else pool, rounds(metric, judgings, resamples), random)
    values_of = _of_drawn(metric, joined)
    found: list[Floats] = []
    real: list[NDArray[np.bool_]] = []
    for drawn, clean in drawing:
        found.append(np.stack([values(drawn) for values in values_of]))
        real.append(clean)
    return Resampled(np.concatenate(found, axis=1).astype(np.float64), np.concatenate(real))


def kind_of(metric: Metric) -> str:
    """What the metric judges, see `Judged`; a plain function judges classes."""
    return str(getattr(metric, "kind", "class"))


def _of_drawn(metric: Metric, joined: list[Judged]) -> list[Callable[[Ints], Floats]]:
    """For each judging a function of drawn[portion, rows]: the metric of each of these resamples [portion]."""
    if isinstance(metric, OfRows):
        return [_of_rows(metric.of_rows(j)) for j in joined]
    if isinstance(metric, OfSums):
        return [_of_sums(metric, j) for j in joined]
    if isinstance(metric, OfWeights):
        return [_of_weights(metric.weighted(j), len(j)) for j in joined]
    return [_anew(metric, j) for j in joined]


def _of_rows(values: Floats) -> Callable[[Ints], Floats]:
    return lambda drawn: np.asarray(values[drawn].mean(axis=1))


def _of_sums(metric: OfSums, judged: Judged) -> Callable[[Ints], Floats]:
    entries = metric.entries(judged)
    return lambda drawn: metric.of_sums(_times(drawn, len(entries)) @ entries)


def _of_weights(weighted: Weighted, rows: int) -> Callable[[Ints], Floats]:
    return lambda drawn: np.array([weighted(_times(one[None], rows)[0]) for one in drawn])


def _anew(metric: Metric, judged: Judged) -> Callable[[Ints], Floats]:
    return lambda drawn: np.array([metric(judged.take(one)) for one in drawn])


def _times(drawn: Ints, rows: int) -> Floats:
    """How often each row was drawn [portion, rows]."""
    places = drawn + rows * np.arange(len(drawn))[:, None]
    return np.bincount(places.ravel(), minlength=rows * len(drawn)).reshape(len(drawn), rows).astype(np.float64)


def rounds(metric: Metric, judgings: tuple[Judged, ...], resamples: int) -> int:
    """How often a metric is computed: less often where every time costs much, never less often than 200 times."""
    if isinstance(metric, (OfCounts, OfRows, OfSums)):
        return resamples
    most = MOST_WORK // (len(judgings[0]) * max(1, len(judgings[0].classes)) * len(judgings))
    return min(resamples, max(FEWEST_RESAMPLES, most))


def rounding(metric: Metric, judgings: tuple[Judged, ...]) -> float:
    """How far apart rounding may leave two differences that are equal: 1e-12, or that share of an error in a unit."""
    error = kind_of(metric) == "value" and getattr(metric, "bounds", (0.0, 1.0))[1] == np.inf
    return 1e-12 * (max(abs(metric(j)) for j in judgings) if error else 1.0)


def _imagine(judgings: tuple[Judged, ...], random: np.random.Generator) -> list[Judged]:
    """The forms of the imagined row, for each judging."""
    gold = np.asarray(judgings[0].gold, dtype=np.int64)
    classes = len(judgings[0].classes)
    # A row of each class with the same chance: first the class, then a row within its stretch of the sorted rows.
    order = np.argsort(gold, kind="stable")
    _, start, n = np.unique(gold[order], return_index=True, return_counts=True)
    kind = random.integers(0, len(n), POOL)
    rows = order[start[kind] + (random.random(POOL) * n[kind]).astype(np.int64)]
    right = random.random(POOL) < 0.5
    other = (gold[rows] + random.integers(1, max(classes, 2), POOL)) % classes
    found = []
    for position, judged in enumerate(judgings):
        wanted = np.where(right if position == 0 else ~right, gold[rows], other)
        found.append(_answering(judged.take(rows), wanted))
    return found


def _answering(judged: Judged, wanted: Ints) -> Judged:
    """The rows with other guesses where right must become wrong or wrong right: two probabilities change places."""
    gold, guess = (np.asarray(c, dtype=np.int64) for c in (judged.gold, judged.guess))
    wanted = np.where((wanted == gold) == (guess == gold), guess, wanted)
    given, chance = judged.probabilities, None
    if given is not None:
        chance, at = given.copy(), np.arange(len(judged))
        chance[at, guess], chance[at, wanted] = given[at, wanted], given[at, guess]
    return replace(judged, guess=wanted, probabilities=chance)


def join(judged: Judged, more: Judged) -> Judged:
    """The rows of one judging, then those of another."""
    both = None
    if judged.probabilities is not None and more.probabilities is not None:
        both = np.concatenate([judged.probabilities, more.probabilities])
    return replace(
        judged, gold=np.concatenate([judged.gold, more.gold]), guess=np.concatenate([judged.guess, more.guess]),
        probabilities=both,
    )  # fmt: skip


def _draws(
    rows: int, pool: int, resamples: int, random: np.random.Generator
) -> Iterator[tuple[Ints, NDArray[np.bool_]]]:
    """(drawn[portion, rows], real[portion]): positions in the rows and the pool behind them, and which hold no pool."""
    for portion in portions(resamples, rows):
        drawn = random.integers(0, rows, (portion, rows))
        times = random.binomial(rows, 1.0 / (rows + 1.0), portion) if pool else np.zeros(portion, np.int64)
        resample = np.repeat(np.arange(portion), times)
        place = np.arange(len(resample)) - np.repeat(np.cumsum(times) - times, times)
        drawn[resample, place] = rows + random.integers(0, max(pool, 1), len(resample))
        yield drawn, times == 0


def portions(resamples: int, width: int) -> Iterator[int]:
    """Sizes of the portions in which `resamples` draws of `width` numbers fit into memory."""
    portion = max(1, AT_ONCE // max(width, 1))
    for start in range(0, resamples, portion):
        yield min(portion, resamples - start)


def _by_cells(
    metric: OfCounts, judgings: tuple[Judged, ...], imagined: list[Judged], resamples: int, random: np.random.Generator
) -> Resampled:
    classes = len(judgings[0].classes)
    gold, guesses, n = cells_of(judgings, classes)
    usual = np.bincount(gold, weights=n, minlength=classes).astype(np.float64)
    pool_gold, pool_guesses, pool_n = cells_of(tuple(imagined), classes)
    all_gold = np.concatenate([gold, pool_gold])
    rows = int(n.sum())
    found: list[list[Floats]] = [[] for _ in judgings]
    real = []
    for portion in portions(resamples, max(len(all_gold), classes)):
        times = random.binomial(rows, 1.0 / (rows + 1.0), portion)
        drawn = np.hstack([random.multinomial(rows - times, n / rows), random.multinomial(times, pool_n / POOL)])
        for j, guess in enumerate(guesses):
            counts = counts_of(drawn, all_gold, np.concatenate([guess, pool_guesses[j]]), usual)
            found[j].append(metric.of_counts(counts))
        real.append(times == 0)
    return Resampled(np.stack([np.concatenate(values) for values in found]), np.concatenate(real))


def cells_of(judgings: tuple[Judged, ...], classes: int) -> tuple[Ints, list[Ints], Ints]:
    """The distinct (gold, guess of each judging) that occur, as columns, and how many rows each has."""
    columns = [np.asarray(c, dtype=np.int64) for c in (judgings[0].gold, *(j.guess for j in judgings))]
    code = columns[0]
    for column in columns[1:]:
        code = code * classes + column
    _, first, n = np.unique(code, return_index=True, return_counts=True)
    gold, *guesses = (c[first] for c in columns)
    return gold, guesses, n.astype(np.int64)


def counts_of(drawn: Ints, gold: Ints, guess: Ints, usual: Floats) -> Counts:
    """The margins [resamples, classes] of cells drawn [resamples, cells]."""
    cells, classes = len(gold), len(usual)

    def total(classed: Ints, weights: Floats) -> Floats:
        entries = (weights, (np.arange(cells), classed))
        where = csr_array(entries, shape=(cells, classes))
        return np.asarray(drawn @ where, dtype=np.float64)

    one = np.ones(cells)
    return Counts(total(gold, (gold == guess).astype(np.float64)), total(gold, one), total(guess, one), usual)
