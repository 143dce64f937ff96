"""Scores of parts of the rows, and which parts are answered worse than the rest by more than chance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from bertune.base import registry, seeds
from bertune.base.types import Floats, Ints, Judged, Score
from bertune.evaluate.intervals import interval
from bertune.evaluate.resampling import Metric, cells_of, counts_of, rounding, rounds
from bertune.metrics._confusion import OfCounts
from bertune.metrics._probabilities import OfRows, OfWeights
from bertune.metrics._sums import OfSums

FEW = 30  # rows below which a score is hardly a measurement
MOST = 30  # values of one column that are told apart
MISSING, OTHERS = "(missing)", "(others)"
MOST_DEALS = 20_000


@dataclass(frozen=True)
class Slice:
    """The score of the rows that share a value.

    `chance` is that of a score so much below that of the other rows if the value made no difference, adjusted for all
    slices looked at (Holm); None where there are no other rows.
    """

    score: Score
    chance: float | None = None

    @property
    def few(self) -> bool:
        """Whether it rests on fewer than 30 rows."""
        return self.score.n < FEW

    @property
    def below(self) -> bool:
        """Whether it is below the rest: a chance of at most 5 % that any slice is called so where none is."""
        return self.chance is not None and self.chance <= 0.05

    def as_json(self) -> dict[str, Any]:
        """The slice as it stands in scores.json."""
        return {**self.score.as_json(), "few_rows": self.few, "below_rest": self.below, "chance": self.chance}


def as_json(scores: Mapping[str, Score | Slice]) -> dict[str, Any]:
    """Scores or slices by name, as they stand in scores.json."""
    return {name: value.as_json() for name, value in scores.items()}


def slices(
    judged: Judged, values: Mapping[str, Sequence[str | None]], metric: str, resamples: int = 1000, seed: int = 0
) -> dict[str, dict[str, Slice]]:
    """The slices of the rows that share a value: {column: {value: Slice}}, the largest first.

    `values` holds for each column one value a row; missing ones are a slice too, and beyond 30 values the smaller ones
    are taken together. A slice is tested against the rest by dealing the values to other rows: a score of few rows, or
    of few of the classes, is so compared with scores of as few rows. All slices of all columns are adjusted together.
    Source: Good (2005), Permutation tests; Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    part = registry.load("metrics", metric)()
    named = {name: _numbered(column) for name, column in values.items()}
    found: dict[str, dict[str, Slice]] = {}
    chances: dict[tuple[str, str], float] = {}
    times = min(MOST_DEALS, max(resamples, 40 * sum(len(kinds) for kinds, _ in named.values())))
    for name, (kinds, codes) in named.items():
        rows = [np.flatnonzero(codes == k) for k in range(len(kinds))]
        found[name] = {kind: Slice(interval(part, judged.take(at), resamples, seed))
                       for kind, at in zip(kinds, rows, strict=True)}  # fmt: skip
        if len(kinds) > 1:
            low = chances_below(part, judged, codes, times, seed)
            chances |= {(name, kind): p for kind, p in zip(kinds, low, strict=True)}
    for (name, kind), chance in holm(chances).items():
        found[name][kind] = replace(found[name][kind], chance=chance)
    return found


def _numbered(column: Sequence[str | None]) -> tuple[list[str], Ints]:
    """The values from the commonest on, and the number of each row's value."""
    told = np.array([MISSING if v is None else v for v in column], dtype=object)
    kinds, codes, n = np.unique(told.astype(str), return_inverse=True, return_counts=True)
    order = np.argsort(-n, kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    names = [str(kinds[k]) for k in order[:MOST]]
    return (names, place[codes]) if len(order) <= MOST else ([*names, OTHERS], np.minimum(place[codes], MOST))


def holm(chances: Mapping[Any, float]) -> dict[Any, float]:
    """Chances adjusted so that at most 5 % of families hold one at or below 0.05 by chance. Source: Holm (1979)."""
    adjusted, highest = {}, 0.0
    for position, (key, chance) in enumerate(sorted(chances.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, chance * (len(chances) - position)))
        adjusted[key] = highest
    return {key: adjusted[key] for key in chances}


def chances_below(metric: Metric, judged: Judged, codes: Ints, times: int, seed: int) -> list[float]:
    """For each slice (codes[rows] from 0) the chance in (0, 1] of a score so far below that of the other rows."""
    random = seeds.generator(seed, "slices")
    sign = 1.0 if getattr(metric, "best", "high") == "high" else -1.0
    kinds = int(codes.max()) + 1
    apart = _apart(metric, judged, kinds)
    # Metrics that are computed anew for each slice of each deal are dealt less often.
    cheap = isinstance(metric, (OfCounts, OfRows, OfSums))
    often = times if cheap else max(200, rounds(metric, (judged,), times) // kinds)
    dealt = sign * np.stack([apart(random.permutation(codes)) for _ in range(often)])
    as_low = (dealt <= sign * apart(codes) + rounding(metric, (judged,))).sum(axis=0)
    return [float(p) for p in (1 + as_low) / (1 + often)]


def _apart(metric: Metric, judged: Judged, kinds: int) -> Any:
    """A function of codes[rows]: for each slice its score less that of the other rows [kinds]."""
    if isinstance(metric, OfCounts):
        return _apart_by_cells(metric, judged, kinds)
    if isinstance(metric, OfSums):
        return _apart_by_sums(metric, judged, kinds)
    if isinstance(metric, OfRows):
        values = metric.of_rows(judged)

        def of_means(codes: Ints) -> Floats:
            sums, n = np.bincount(codes, weights=values, minlength=kinds), np.bincount(codes, minlength=kinds)
            return np.asarray(sums / n - (values.sum() - sums) / (len(values) - n))

        return of_means
    weighted = metric.weighted(judged) if isinstance(metric, OfWeights) else None

    def scores(codes: Ints) -> Iterator[float]:
        for k in range(kinds):
            inside = codes == k
            if weighted:
                yield weighted(inside.astype(np.float64)) - weighted((~inside).astype(np.float64))
            else:
                yield metric(judged.take(np.flatnonzero(inside))) - metric(judged.take(np.flatnonzero(~inside)))

    return lambda codes: np.array(list(scores(codes)))


def _apart_by_cells(metric: OfCounts, judged: Judged, kinds: int) -> Any:
    classes = len(judged.classes)
    gold, (guess,), n = cells_of((judged,), classes)
    usual = np.bincount(gold, weights=n, minlength=classes).astype(np.float64)
    cell = np.searchsorted(gold * classes + guess, judged.gold * classes + judged.guess)

    def of_counts(codes: Ints) -> Floats:
        held = np.bincount(codes * len(n) + cell, minlength=kinds * len(n)).reshape(kinds, len(n))
        one, other = (metric.of_counts(counts_of(h, gold, guess, usual)) for h in (held, n - held))
        return one - other

    return of_counts


def _apart_by_sums(metric: OfSums, judged: Judged, kinds: int) -> Any:
    entries = metric.entries(judged)
    total, rows, one = entries.sum(axis=0), np.arange(len(entries)), np.ones(len(entries))

    def of_sums(codes: Ints) -> Floats:
        held = csr_array((one, (codes, rows)), shape=(kinds, len(rows))) @ entries
        return metric.of_sums(held) - metric.of_sums(total - held)

    return of_sums
