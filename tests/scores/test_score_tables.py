"""The tables behind the scores."""

import numpy as np
import pytest
import sklearn.metrics as sm
from hypothesis import given
from hypothesis import strategies as st

from bertune.base.errors import BertuneError
from bertune.base.types import Judged
from bertune.evaluate.scores import confusion, per_class, score, worst_pairs

CLASSES = ("cat", "dog", "owl")
HAND = Judged(np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 0, 1]), None, CLASSES)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_tables_equal_scikit_learn(rows: list[tuple[int, int]]) -> None:
    gold, guess = (np.array(c, np.int64) for c in zip(*rows, strict=True))
    judged = Judged(gold, guess, None, CLASSES)
    assert np.array_equal(confusion(judged), sm.confusion_matrix(gold, guess, labels=[0, 1, 2]))
    wanted = sm.precision_recall_fscore_support(gold, guess, labels=[0, 1, 2], zero_division=0)
    for k, entry in enumerate(per_class(judged)):
        found = [entry["precision"], entry["recall"], entry["f1"], entry["n"]]
        assert found == pytest.approx([float(w[k]) for w in wanted])
        assert entry["class"] == CLASSES[k]


def test_worst_pairs_come_first_with_their_share() -> None:
    pairs = worst_pairs(HAND)
    assert [(p["gold"], p["guess"], p["n"]) for p in pairs] == [("cat", "dog", 2), ("dog", "cat", 1), ("owl", "dog", 1)]
    assert [p["share"] for p in pairs] == pytest.approx([2 / 3, 1 / 2, 1.0])
    assert len(worst_pairs(HAND, most=1)) == 1
    right = Judged(HAND.gold, HAND.gold, None, CLASSES)
    assert worst_pairs(right) == []


def test_classes_have_the_interval_of_their_f1() -> None:
    random = np.random.default_rng(3)
    gold = np.repeat([0, 1, 2], [400, 90, 10])
    judged = Judged(gold, np.where(random.random(500) < 0.8, gold, (gold + 1) % 3), None, CLASSES)
    entries = per_class(judged, resamples=2000)
    for k, entry in enumerate(entries):
        assert entry["low"] <= entry["f1"] <= entry["high"]
        of_one = [sm.f1_score(judged.gold[d], judged.guess[d], labels=[k], average="macro", zero_division=0)
                  for d in random.integers(0, 500, (150, 500))]  # fmt: skip
        if k < 2:  # the imagined row moves the ends for a class of ten rows
            assert (entry["low"], entry["high"]) == pytest.approx(tuple(np.quantile(of_one, [0.025, 0.975])), abs=0.025)
    assert entries[2]["high"] - entries[2]["low"] > 2 * (entries[1]["high"] - entries[1]["low"])
    assert "low" not in per_class(judged)[0]


def test_score_gives_every_metric_and_refuses_unknown_ones() -> None:
    found = score(HAND, ["accuracy", "macro_f1"], 100, 0)
    assert list(found) == ["accuracy", "macro_f1"]
    assert found == score(HAND, ["accuracy", "macro_f1"], 100, 0)
    with pytest.raises(BertuneError, match="did you mean accuracy"):
        score(HAND, ["acuracy"], 100, 0)
