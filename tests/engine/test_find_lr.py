"""The learning-rate range test: what it finds on curves whose answer is known, and what it leaves behind."""

import json
import math
import xml.dom.minidom

import numpy as np
import pytest
import workbench
from hypothesis import given
from hypothesis import strategies as st

from bertune.runs.find_lr import DIVERGED, LOWEST, STEPS, diverged, find_lr, highest, judge, smooth
from bertune.runs.telling import Silent

RATES = np.geomspace(1e-7, 1e-1, 100)


def valley(low, steep, end=4.0):
    """A curve that falls around `steep`, is lowest at `low` and then rises."""
    x = np.log10(RATES)
    fall = 1 / (1 + np.exp(-(x - math.log10(steep)) * 6))
    rise = np.clip(x - math.log10(low), 0, None) ** 2
    return (1.0 - 0.8 * fall + end * rise).tolist()


def test_a_known_valley():
    """The smoothed curve lags by some steps of 0.06 decades, no more."""
    found = judge(RATES.tolist(), valley(low=1e-2, steep=1e-4), "adamw")
    assert 1e-4 < found.steepest < 5e-4
    assert 1e-2 < found.minimum < 4e-2
    assert found.suggestion == pytest.approx(found.steepest, rel=0.05)


def test_the_smaller_of_both_is_suggested():
    found = judge(RATES.tolist(), valley(low=1e-3, steep=8e-4, end=1.0), "adamw")
    assert found.suggestion == pytest.approx(min(found.steepest, found.minimum / 10), rel=0.05)
    assert found.suggestion < found.steepest


@pytest.mark.parametrize("losses", [[1.0] * 100, np.linspace(1, 3, 100).tolist(), [math.nan] * 3, [0.7, math.nan]])
def test_no_fall_no_suggestion(losses):
    assert judge(RATES.tolist()[: len(losses)], losses, "adamw").suggestion is None


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=50))
def test_smoothing_is_the_weighted_mean(losses):
    """Bias correction: each value is the mean of all losses so far with weights 0.9^age."""
    for n, value in enumerate(smooth(losses), 1):
        weights = 0.9 ** np.arange(n)[::-1]
        assert value == pytest.approx(float(np.average(losses[:n], weights=weights)))


def test_divergence():
    assert diverged([1.0] * 20 + [math.nan]) and diverged([math.inf])
    assert not diverged([1.0] * 30) and not diverged([])
    grown = [1.0] * 20 + [40.0 * DIVERGED]
    assert diverged(grown) and not diverged(grown[:-1])
    assert not diverged([0.1, 50.0]), "two losses say nothing yet"


def test_a_real_test(tiny, sentences_csv, tmp_path):
    """Weights, files and lines: what people get."""
    teller, out = Silent(), tmp_path / "out"
    found = find_lr(workbench.recipe_of(tiny(), sentences_csv), out, teller)
    assert len(found.rates) == len(found.losses) == len(found.smoothed) <= STEPS
    assert found.rates[0] == pytest.approx(LOWEST)
    ratios = np.diff(np.log(found.rates))
    assert np.allclose(ratios, ratios[0]), "the rate rises exponentially"
    assert found.rates[0] < found.suggestion < found.rates[-1]
    stored = json.loads((out / "find_lr.json").read_text(encoding="utf-8"))
    assert stored["suggestion"] == found.suggestion and len(stored["losses"]) == len(found.losses)
    svg = (out / "find_lr.svg").read_text(encoding="utf-8")
    xml.dom.minidom.parseString(svg)
    assert "prefers-color-scheme: dark" in svg and f"suggestion {found.suggestion:g}" in svg
    assert "#010101" not in svg and "@0@" not in svg, "no stand-in is left"
    assert f"--set optimizer.learning_rate={found.suggestion:g}" in dict(teller.heard)["next"]
    assert not [p for p in out.iterdir() if p.suffix not in (".json", ".svg")]


def test_an_optimizer_without_a_default_rate(tiny, sentences_csv, tmp_path):
    """SGD has no rule for its rate: here one is found, or it is said that there is none."""
    teller = Silent()
    settings = {"optimizer.name": "momentum", "optimizer.learning_rate": "auto"}
    found = find_lr(workbench.recipe_of(tiny(), sentences_csv, settings), tmp_path / "out", teller)
    assert highest("momentum") == 10.0 and highest("adamw") == 0.1
    assert (found.suggestion is None) == ("next" not in dict(teller.heard))


def test_rates_of_the_layers_keep_their_relation(tiny, sentences_csv, monkeypatch):
    from bertune.runs.find_lr import range_test

    made = workbench.bench(tiny(), sentences_csv, {"optimizer.layer_decay": 0.5})
    range_test(made.learner, made.feed, 1e-2, steps=5)
    rates = [group["lr"] for group in made.learner.optimizer.param_groups]
    assert max(rates) == pytest.approx(1e-2) and min(rates) == pytest.approx(1e-2 / 8)
