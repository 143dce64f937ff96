"""The exchange test equals SciPy's permutation of pairs and the exact sign test, and keeps its 5 %."""

import numpy as np
import pytest
import scipy.stats

from bertune.base import registry
from bertune.base.types import Judged
from bertune.evaluate.exchange import chance_of
from bertune.evaluate.intervals import difference, verdict

TWO = ("ham", "spam")


def pair(rows: int, seed: int, one: float = 0.85, two: float = 0.85) -> tuple[Judged, Judged]:
    random = np.random.default_rng(seed)
    gold = random.integers(0, 2, rows)

    def judged(share: float) -> Judged:
        right = random.random(rows) < share
        sure = np.clip(random.beta(6, 1.5, rows), 0.5, 0.99)
        own = np.where(right, sure, 1 - sure)
        second = np.where(gold == 1, own, 1 - own)
        return Judged(gold, (second >= 0.5).astype(int), np.column_stack([1 - second, second]), TWO)

    return judged(one), judged(two)


def test_for_accuracy_it_is_the_exact_sign_test() -> None:
    a, b = pair(80, 1, 0.9, 0.8)
    only_a = int(((a.guess == a.gold) & (b.guess != b.gold)).sum())
    only_b = int(((a.guess != a.gold) & (b.guess == b.gold)).sum())
    wanted = scipy.stats.binomtest(only_a, only_a + only_b).pvalue
    assert chance_of(registry.load("metrics", "accuracy")(), a, b, 20_000, 0) == pytest.approx(wanted, abs=0.01)


@pytest.mark.parametrize("name", ["brier", "log_loss", "macro_f1", "auroc", "calibration_error"])
def test_it_equals_scipys_permutation_of_pairs(name: str) -> None:
    a, b = pair(60, 5, 0.88, 0.76)
    part = registry.load("metrics", name)()
    both = Judged(np.tile(a.gold, 2), np.append(a.guess, b.guess), np.concatenate([a.probabilities, b.probabilities]),
                  TWO)  # fmt: skip

    def apart(x, y):
        return part(both.take(x.astype(int))) - part(both.take(y.astype(int)))

    rows = np.arange(60)
    wanted = scipy.stats.permutation_test((rows, rows + 60), apart, permutation_type="samples", n_resamples=1200,
                                          vectorized=False, rng=np.random.default_rng(0)).pvalue  # fmt: skip
    assert chance_of(part, a, b, 4000, 0) == pytest.approx(wanted, abs=0.05)


def test_any_function_of_a_judging_can_be_tested() -> None:
    a, b = pair(100, 3, 0.95, 0.7)
    by_rows = chance_of(lambda judged: float(np.mean(judged.gold == judged.guess)), a, b, 2000, 0)
    assert by_rows == pytest.approx(chance_of(registry.load("metrics", "accuracy")(), a, b, 2000, 0), abs=0.01)


def test_the_same_answers_differ_by_chance_alone() -> None:
    a, _ = pair(50, 4)
    for name in ("accuracy", "log_loss", "calibration_error"):
        assert chance_of(registry.load("metrics", name)(), a, a, 200, 0) == 1.0


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])
def test_equal_models_on_few_rows_are_called_different_in_five_of_a_hundred(name: str) -> None:
    part = registry.load("metrics", name)()
    called = [verdict(difference(part, *pair(50, seed), 300, seed), part.best) != "cannot tell" for seed in range(400)]
    assert np.mean(called) <= 0.08  # 5 % and three standard errors


def test_an_interval_without_zero_is_widened_to_it_where_the_exchange_cannot_tell() -> None:
    # Three rows of fifty that only a gets right: resampling alone gives 0.02 to 0.14, the sign test 0.25.
    gold = np.arange(50) % 2
    guess = gold.copy()
    guess[:3] = 1 - guess[:3]
    chance = np.full((50, 2), 0.5)
    a, b = Judged(gold, gold, chance, TWO), Judged(gold, guess, chance, TWO)
    found = difference(registry.load("metrics", "accuracy")(), a, b, 2000, 0)
    assert found.value == pytest.approx(0.06) and found.low <= 0.0 and verdict(found) == "cannot tell"
