"""Entity metrics: values worked out by hand, properties of every judging, and sums of weighted rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_files import TYPES, judged_spans

from bertune.base import registry
from bertune.base.types import Judged

NAMES = ("entity_f1", "entity_precision", "entity_recall", "entity_macro_f1")
KINDS = st.sampled_from(TYPES)
GOLD = (((0, 2, "PER"), (3, 4, "LOC")), ((1, 2, "PER"),), ())
GUESS = (((0, 2, "PER"), (3, 5, "LOC")), ((1, 2, "ORG"),), ((0, 1, "PER"),))


def value(name: str, judged: Judged) -> float:
    return registry.load("metrics", name)()(judged)  # type: ignore[no-any-return]


@st.composite
def judgings(draw: st.DrawFn) -> Judged:
    span = st.builds(lambda at, long, kind: (at, at + long, kind), st.integers(0, 3), st.integers(1, 2), KINDS)
    row = st.sets(span, max_size=5).map(lambda found: tuple(sorted(found)))
    rows = draw(st.lists(st.tuples(row, row), min_size=1, max_size=12))
    return judged_spans([gold for gold, _ in rows], [guess for _, guess in rows])


def counted(judged: Judged, kind: str | None = None) -> tuple[int, int, int]:
    """(right, gold, guessed) by the naked definition, of one type or all."""
    sides = [
        {(row, *span) for row, spans in enumerate(side) for span in spans if kind in (None, span[2])}
        for side in (judged.gold, judged.guess)
    ]
    return len(sides[0] & sides[1]), len(sides[0]), len(sides[1])


def harmonic(right: int, gold: int, guess: int) -> float:
    if not right:
        return 0.0
    precision, recall = right / guess, right / gold
    return 2 * precision * recall / (precision + recall)


@settings(max_examples=100)
@given(judgings())
def test_the_metrics_are_their_definitions(judged: Judged) -> None:
    right, gold, guess = counted(judged)
    assert value("entity_precision", judged) == (right / guess if guess else 0.0)
    assert value("entity_recall", judged) == (right / gold if gold else 0.0)
    assert value("entity_f1", judged) == pytest.approx(harmonic(right, gold, guess), rel=1e-15, abs=0)
    each = [counted(judged, kind) for kind in TYPES]
    own = [harmonic(*counts) for counts in each if counts[1] + counts[2]]
    assert value("entity_macro_f1", judged) == pytest.approx(np.mean(own) if own else 0.0, rel=1e-15, abs=0)


@settings(max_examples=50)
@given(judgings())
def test_gold_and_guess_are_alike_to_f1_and_change_precision_for_recall(judged: Judged) -> None:
    turned = Judged(judged.guess, judged.gold, None, judged.classes)
    for name in ("entity_f1", "entity_macro_f1"):
        assert value(name, judged) == pytest.approx(value(name, turned), rel=1e-12)
    assert value("entity_precision", judged) == value("entity_recall", turned)
    perfect = Judged(judged.gold, judged.gold, None, judged.classes)
    assert all(value(name, perfect) == float(any(judged.gold)) for name in NAMES)


@settings(max_examples=50)
@given(judgings(), st.data())
def test_weighing_the_entries_is_taking_the_rows(judged: Judged, data: st.DataObject) -> None:
    drawn = np.array(data.draw(st.lists(st.integers(0, len(judged) - 1), min_size=1, max_size=12)), np.int64)
    times = np.bincount(drawn, minlength=len(judged)).astype(np.float64)
    both = np.stack([times, np.ones(len(judged))])
    for name in NAMES:
        part = registry.load("metrics", name)()
        several = part.of_sums(both @ part.entries(judged))
        assert several == pytest.approx([part(judged.take(drawn)), part(judged)], rel=1e-12), name


def test_values_worked_out_by_hand() -> None:
    judged = judged_spans(GOLD, GUESS)
    assert value("entity_precision", judged) == 1 / 4
    assert value("entity_recall", judged) == 1 / 3
    assert value("entity_f1", judged) == 2 / 7
    # PER: 1 right of 2 in gold and 2 guessed; LOC and ORG none.
    assert value("entity_macro_f1", judged) == pytest.approx((1 / 2 + 0 + 0) / 3)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_find_is_zero_and_a_repeated_span_counts_once(name: str) -> None:
    assert value(name, judged_spans([(), ()], [(), ()])) == 0.0
    assert value(name, judged_spans([], [])) == 0.0
    twice = judged_spans([((0, 1, "LOC"), (2, 3, "LOC"))], [((0, 1, "LOC"), (0, 1, "LOC"), (2, 3, "LOC"))])
    assert value(name, twice) == 1.0


def test_types_beyond_the_classes_count_together_as_one() -> None:
    found = ((0, 1, "PER"), (3, 4, "LOC"))
    judged = judged_spans([(*found, (1, 2, "DAY"), (2, 3, "ART"))], [found], ("PER", "LOC"))
    assert value("entity_macro_f1", judged) == pytest.approx((1 + 1 + 0) / 3)
    assert value("entity_recall", judged) == 2 / 4
