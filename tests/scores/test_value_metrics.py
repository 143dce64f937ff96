"""The metrics of numbers against SciPy and scikit-learn, and on numbers without a spread."""

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.types import Judged

NAMES = [name for name in registry.names("metrics") if registry.load("metrics", name).kind == "value"]
REFERENCES = {
    "pearson": lambda g, q: scipy.stats.pearsonr(g, q).statistic,
    "spearman": lambda g, q: scipy.stats.spearmanr(g, q).statistic,
    "rmse": sm.root_mean_squared_error,
    "mean_absolute_error": sm.mean_absolute_error,
    "r2": sm.r2_score,
    "quadratic_weighted_kappa": lambda g, q: _kappa(np.floor(g + 0.5), np.floor(q + 0.5)),
}


def _kappa(gold: np.ndarray, guess: np.ndarray) -> float:
    low, high = int(min(gold.min(), guess.min())), int(max(gold.max(), guess.max()))
    return sm.cohen_kappa_score(gold.astype(int), guess.astype(int), labels=range(low, high + 1), weights="quadratic")


def score(name: str, gold: object, guess: object) -> float:
    return registry.load("metrics", name)()(Judged(np.array(gold, float), np.array(guess, float), None, ()))


@st.composite
def columns(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Quarters, so that some are equal and some are halves to be rounded; at times far from 0."""
    rows = draw(st.integers(2, 40))
    quarters = st.lists(st.integers(-20, 20), min_size=rows, max_size=rows)
    far = draw(st.sampled_from([0.0, 1e4]))
    gold, guess = (np.array(draw(quarters)) / 4.0 + far for _ in range(2))
    assume(len(np.unique(gold)) > 1 and len(np.unique(guess)) > 1)
    return gold, guess


def test_every_metric_of_numbers_has_a_reference() -> None:
    assert set(NAMES) == set(REFERENCES)


@settings(max_examples=100)
@given(columns())
def test_equals_scipy_and_scikit_learn(pair: tuple[np.ndarray, np.ndarray]) -> None:
    gold, guess = pair
    for name in NAMES:
        if name == "quadratic_weighted_kappa" and len(np.unique(np.floor(np.append(gold, guess) + 0.5))) < 2:
            continue
        assert score(name, gold, guess) == pytest.approx(REFERENCES[name](gold, guess), rel=1e-12, abs=1e-12), name


@settings(max_examples=50)
@given(columns(), st.sampled_from([1e-6, 3.0, 1e6]), st.integers(-1000, 1000))
def test_correlations_do_not_see_the_unit(pair: tuple[np.ndarray, np.ndarray], unit: float, shift: int) -> None:
    gold, guess = pair
    for name in ("pearson", "spearman"):
        moved = score(name, gold * unit, guess + shift)
        assert moved == pytest.approx(score(name, gold, guess), rel=1e-8, abs=1e-8), name
        assert score(name, gold, -guess) == pytest.approx(-score(name, gold, guess), rel=1e-12, abs=1e-12), name


@pytest.mark.parametrize("name", ["pearson", "spearman", "r2", "quadratic_weighted_kappa"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 + 0.1, -3.0])
def test_without_a_spread_it_is_0(name: str, constant: float) -> None:
    flat, other = [constant] * 30, np.linspace(0.0, 4.0, 30)
    assert score(name, flat, flat) == 0.0
    assert score(name, [constant], [constant]) == 0.0
    assert score(name, flat, other) == 0.0
    if name != "r2":  # to it a constant guess off the mark is worse than the mean
        assert score(name, other, flat) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("name", ["pearson", "r2"])
@pytest.mark.parametrize("times", [2, 3, 7, 41])
def test_a_resample_of_one_number_has_no_spread(name: str, times: int) -> None:
    gold = np.arange(30) / 7.0
    part = registry.load("metrics", name)()
    entries = part.entries(Judged(gold, np.sin(gold), None, ()))
    assert [float(part.of_sums(times * entry)) for entry in entries] == [0.0] * 30


def test_a_column_that_seems_constant_to_the_sums_alone_is_not() -> None:
    gold = 1e8 + np.arange(50) * 1e-3
    assert score("pearson", gold, np.arange(50)) == pytest.approx(1.0, abs=1e-9)
    assert score("r2", gold, gold) == pytest.approx(1.0, abs=1e-12)


def test_kappa_rounds_halves_up_and_counts_a_miss_by_its_square() -> None:
    assert score("quadratic_weighted_kappa", [1, 2, 3], [0.5, 1.5, 2.5]) == 1.0
    # Distances 0, 0, 0 and 2; over all pairs of a gold and a guess, 16 in all, their squares sum to 26.
    assert score("quadratic_weighted_kappa", [0, 1, 2, 0], [0, 1, 2, 2]) == pytest.approx(1 - 4 / (26 / 4))


def test_values_worked_out_by_hand() -> None:
    gold, guess = [1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 5.0, 2.0]
    assert score("rmse", gold, guess) == pytest.approx(np.sqrt(2.0))
    assert score("mean_absolute_error", gold, guess) == 1.0
    assert score("r2", gold, guess) == pytest.approx(1 - 8 / 5)
    assert score("spearman", gold, guess) == pytest.approx(3 / np.sqrt(5 * 4.5))
