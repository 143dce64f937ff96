"""The score of relations: worked out by hand, and by the official definition on every judging."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_files import judged_classes

from bertune.metrics.relation_f1 import RelationF1

CLASSES = ("Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)", "Other", "Entity-Origin(e1,e2)", "Entity-Origin(e2,e1)", "Is")
NUMBERS = st.integers(0, len(CLASSES) - 1)


def by_definition(pairs: list[tuple[str, str]]) -> float:
    """The official score: a wrong direction is an answer of its own, added to the answers of the relation in gold."""
    bare = [(gold.split("(")[0], "WRONG" if gold.split("(")[0] == guess.split("(")[0] and gold != guess
             else guess.split("(")[0]) for gold, guess in pairs]  # fmt: skip
    scores = []
    for relation in {gold for gold, _ in bare} - {"Other"}:
        right = sum(gold == guess == relation for gold, guess in bare)
        said = sum(guess == relation for _, guess in bare) + sum(pair == (relation, "WRONG") for pair in bare)
        precision = right / said if said else 0.0
        recall = right / sum(gold == relation for gold, _ in bare)
        scores.append(2 * precision * recall / (precision + recall) if right else 0.0)
    return float(np.mean(scores)) if scores else 0.0


@settings(max_examples=100)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=40))
def test_equals_the_official_definition(pairs: list[tuple[int, int]]) -> None:
    named = [(CLASSES[gold], CLASSES[guess]) for gold, guess in pairs]
    judged = judged_classes(*zip(*named, strict=True), CLASSES)
    assert RelationF1()(judged) == pytest.approx(by_definition(named), rel=1e-14, abs=0)


def test_values_worked_out_by_hand() -> None:
    a, turned, other, b, *_ = CLASSES
    # Cause-Effect: 1 right of 3 in gold, 4 answers (one the wrong way round, one in the place of Other).
    gold, guess = [a, a, turned, other, b], [a, turned, other, a, turned]
    assert RelationF1()(judged_classes(gold, guess, CLASSES)) == pytest.approx((2 * 1 / (3 + 4) + 0) / 2)


@pytest.mark.parametrize("none", ["Other", "no_relation", "NONE"])
def test_no_relation_is_left_out_under_each_of_its_names(none: str) -> None:
    classes = (none, "owns")
    assert RelationF1()(judged_classes([none, "owns"], [none, "owns"], classes)) == 1.0
    assert RelationF1()(judged_classes([none, "owns"], ["owns", "owns"], classes)) == pytest.approx(2 / 3)
    assert RelationF1()(judged_classes([none], [none], classes)) == 0.0
    assert RelationF1()(judged_classes([none], [none], (none,))) == 0.0


def test_relations_that_gold_lacks_are_not_averaged() -> None:
    a, _, _, b, *_ = CLASSES
    assert RelationF1()(judged_classes([a, a], [a, b], CLASSES)) == pytest.approx(2 * 1 / (2 + 1))


def test_weighing_the_entries_is_taking_the_rows() -> None:
    random = np.random.default_rng(4)
    gold, guess, drawn = (random.integers(0, n, 50) for n in (6, 6, 50))
    judged = judged_classes([CLASSES[g] for g in gold], [CLASSES[g] for g in guess], CLASSES)
    part, times = RelationF1(), np.bincount(drawn, minlength=50).astype(np.float64)
    assert float(part.of_sums(times @ part.entries(judged))) == pytest.approx(part(judged.take(drawn)), rel=1e-12)
