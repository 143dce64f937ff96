"""Resamples, exchanges and slices of metrics of every kind equal the metric on the rows themselves."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_specimens import SPECIMENS, dull, objects

from bertune.base import registry
from bertune.base.errors import DataError
from bertune.base.types import Floats, Judged
from bertune.evaluate.exchange import chance_of
from bertune.evaluate.intervals import difference, interval, verdict
from bertune.evaluate.resampling import join, resampled, rounds
from bertune.evaluate.slices import _apart, chances_below, slices
from bertune.evaluate.standard_error import standard_error
from bertune.metrics._sums import OfSums

OTHERS = [name for name in registry.names("metrics") if registry.load("metrics", name).kind != "class"]


class Apart:
    """A metric without a base class that differs from the one it holds by nothing else."""

    def __init__(self, name: str) -> None:
        self.inner = registry.load("metrics", name)()
        self.kind, self.best, self.bounds = self.inner.kind, self.inner.best, self.inner.bounds

    def __call__(self, judged: Judged) -> float:
        return float(self.inner(judged))


def rows_of(name: str, seed: int = 0, rows: int = 40) -> Judged:
    return SPECIMENS[registry.load("metrics", name).kind](np.random.default_rng(seed), rows)


def pair_of(name: str, seed: int, rows: int, worse: float) -> tuple[Judged, Judged]:
    """Two judgings of the same rows; of this share of the rows, the second has the guesses of other rows."""
    random = np.random.default_rng(seed)
    a = rows_of(name, seed, rows)
    b = a.take(np.where(random.random(rows) < worse, random.permutation(rows), np.arange(rows)))
    return a, replace(b, gold=a.gold)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(2, 30))
def test_resamples_are_the_metric_of_the_drawn_rows(seed: int, rows: int) -> None:
    for name in OTHERS:
        judgings = pair_of(name, seed, rows, 0.5)
        own, anew = (resampled(m, judgings, 5, seed) for m in (registry.load("metrics", name)(), Apart(name)))
        assert own.values == pytest.approx(anew.values, rel=1e-9, abs=1e-9), name
        assert own.real.all(), "rows that nobody has seen are of classes alone"


@pytest.mark.parametrize("name", OTHERS)
def test_interval_is_ordered_and_decided_by_the_seed(name: str) -> None:
    judged, part = rows_of(name, 8, 90), registry.load("metrics", name)()
    first = interval(part, judged, 300, 4)
    assert first == interval(part, judged, 300, 4)
    assert first != interval(part, judged, 300, 5)
    assert part.bounds[0] <= first.low < first.value < first.high <= part.bounds[1]
    assert first.value == part(judged)
    assert 0.0 < standard_error(part, judged) < first.high - first.low


@pytest.mark.parametrize("kind", sorted(SPECIMENS))
def test_dull_rows_have_an_interval(kind: str) -> None:
    for name in registry.names("metrics"):
        part = registry.load("metrics", name)()
        for judged in dull(kind) if part.kind == kind else ():
            score = interval(part, judged, 40, 0)
            assert score.low <= score.value <= score.high, name


@pytest.mark.parametrize("name", OTHERS)
def test_exchanging_equals_scipys_permutation_of_pairs(name: str) -> None:
    part = registry.load("metrics", name)()
    a, b = pair_of(name, 5, 40, 0.3)
    both, rows = join(a, b), np.arange(40)

    def apart(x: np.ndarray, y: np.ndarray) -> float:
        return part(both.take(x.astype(int))) - part(both.take(y.astype(int)))

    wanted = scipy.stats.permutation_test((rows, rows + 40), apart, permutation_type="samples", n_resamples=400,
                                          vectorized=False, rng=np.random.default_rng(0)).pvalue  # fmt: skip
    assert chance_of(part, a, b, 2000, 0) == pytest.approx(wanted, abs=0.09)  # three standard errors of 400 at worst
    assert chance_of(Apart(name), a, b, 400, 0) == pytest.approx(wanted, abs=0.12)
    assert chance_of(part, a, a, 200, 0) == 1.0


def test_exchanged_numbers_keep_their_place() -> None:
    # The second model is worse and 20 too high: exchanged answers lie in two heaps and correlate with nothing.
    gold = np.linspace(0.0, 5.0, 60)
    noise = np.random.default_rng(2).normal(0, 1, 60)
    a, b = (Judged(gold, gold + size * noise + shift, None, ()) for size, shift in ((0.1, 0.0), (2.0, 20.0)))
    pearson = registry.load("metrics", "pearson")()
    found = chance_of(pearson, a, b, 1000, 0)
    assert found == pytest.approx(chance_of(Apart("pearson"), a, b, 1000, 0), abs=0.06)
    assert found > 0.02 > chance_of(pearson, a, replace(b, guess=b.guess - 20.0), 1000, 0)


@pytest.mark.parametrize("name", OTHERS)
def test_the_better_model_is_told_and_other_rows_are_refused(name: str) -> None:
    part = registry.load("metrics", name)()
    a, b = pair_of(name, 3, 150, 1.0)
    assert verdict(difference(part, a, b, 300, 0), part.best) == "yes"
    assert verdict(difference(part, b, a, 300, 0), part.best) == "no"
    assert verdict(difference(part, a, a, 300, 0), part.best) == "cannot tell"
    with pytest.raises(DataError, match="other gold"):
        difference(part, a, replace(b, gold=rows_of(name, 4, 150).gold), 100, 0)


@pytest.mark.parametrize("name", OTHERS)
def test_a_slice_is_scored_against_the_other_rows(name: str) -> None:
    part, judged = registry.load("metrics", name)(), rows_of(name, 6, 60)
    for codes in (np.arange(60) % 3, np.repeat([0, 1, 2], [40, 15, 5])):
        apart = _apart(part, judged, 3)(codes)
        for k in range(3):
            inside, outside = (judged.take(np.flatnonzero(held)) for held in (codes == k, codes != k))
            assert apart[k] == pytest.approx(part(inside) - part(outside), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", ["rmse", "labels_macro_f1", "labels_exact_match"])
def test_slices_of_sums_and_means_are_dealt_as_often_as_asked(name: str) -> None:
    judged = join(rows_of(name, 9, 160), pair_of(name, 10, 60, 1.0)[1])
    found = chances_below(registry.load("metrics", name)(), judged, (np.arange(220) >= 160).astype(np.int64), 1500, 0)
    assert found == pytest.approx([1.0, 1 / 1501])


@pytest.mark.parametrize("name", OTHERS)
def test_a_weak_slice_is_found(name: str) -> None:
    good, poor = rows_of(name, 9, 160), pair_of(name, 10, 60, 1.0)[1]
    column = ["mail"] * 160 + ["fax"] * 60
    found = slices(join(good, poor), {"channel": column}, name, resamples=200)["channel"]
    assert [kind for kind, s in found.items() if s.below] == ["fax"]
    assert [s.score.n for s in found.values()] == [160, 60]


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_ties_of_errors_are_seen_in_any_unit(unit: float) -> None:
    # Two models that differ in two rows alone: half of all exchanges leave the difference as it is.
    gold = np.arange(60) * unit
    guess = gold + unit * np.sin(np.arange(60))
    other = guess.copy()
    other[[3, 4]] += 9 * unit
    a, b = (Judged(gold, q, None, ()) for q in (guess, other))
    for name in ("rmse", "mean_absolute_error"):
        assert chance_of(registry.load("metrics", name)(), a, b, 2000, 0) == pytest.approx(0.5, abs=0.05), name


class RightShare(OfSums):
    """A metric of sums that judges classes: the imagined row is its too."""

    kind: ClassVar[str] = "class"

    def entries(self, judged: Judged) -> Floats:
        return np.column_stack([judged.gold == judged.guess, np.ones(len(judged))]).astype(np.float64)

    def of_sums(self, sums: Floats) -> Floats:
        return np.asarray(sums[..., 0] / sums[..., 1])


def test_sums_over_classes_know_the_imagined_row() -> None:
    gold = np.arange(60) % 2
    judged = Judged(gold, gold, None, ("ham", "spam"))
    own, known = (interval(m, judged, 2000, 0) for m in (RightShare(), registry.load("metrics", "accuracy")()))
    assert own.low == pytest.approx(known.low, abs=0.02) and own.low < 1.0


def test_numbers_have_no_classes_to_count() -> None:
    spearman = registry.load("metrics", "spearman")()
    assert rounds(spearman, (rows_of("spearman"),), 700) == 700
    large = Judged(np.zeros(200_000), np.zeros(200_000), None, ())
    assert rounds(spearman, (large,), 1000) == 500


def test_objects_are_joined_and_taken_as_rows() -> None:
    a = Judged(objects([((0, 1, "a"),), ()]), objects([(), ()]), None, ("a",))
    both = join(a, a).take(np.array([2, 1]))
    assert both.gold.tolist() == [((0, 1, "a"),), ()] and both.gold.dtype == object
