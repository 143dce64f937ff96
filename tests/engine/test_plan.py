"""The rule that fills each `auto` of a recipe from rows, classes, model and what of it learns."""

import pytest

from bertune.engine.plan import RATE_OF_TRAINED, Facts, Plan, plan
from bertune.runs.ask import ask

FACTS = Facts(rows=5000, classes=2, hidden=384, layers=6, pairs=False, valid_rows=500)


def planned(*settings: str, facts: Facts = FACTS) -> Plan:
    return plan(ask({"data": "rows.csv"}, list(settings)), facts)


@pytest.mark.parametrize("trained", ["all", "top", "lora", "head"])
def test_what_learns_decides_the_rate(trained: str) -> None:
    rate = RATE_OF_TRAINED.get(trained, 1.0)
    found = planned(f"model.train={trained}")
    assert found.learning_rate == found.rule_rate == pytest.approx(1.5e-4 * rate)
    assert ("width 384," in found.why) == (trained != "all"), "the plan line says what learns"
    many = planned(f"model.train={trained}", facts=Facts(5000, 77, 768, 12, False, 500))
    assert many.learning_rate == pytest.approx(1.5e-4 * rate)  # half for the width, double for the classes


def test_a_given_rate_stays_and_the_rule_is_remembered() -> None:
    found = planned("model.train=head", "optimizer.learning_rate=2e-5")
    assert found.learning_rate == 2e-5 and found.rule_rate == pytest.approx(1.5e-3)
    assert found.gentler().learning_rate == pytest.approx(5e-6)


def test_optimizers_keep_their_relation_to_adamw() -> None:
    whole, head = planned("optimizer.name=lion"), planned("optimizer.name=lion", "model.train=head")
    assert head.learning_rate == pytest.approx(10 * whole.learning_rate) != planned().learning_rate


@pytest.mark.parametrize(
    ("valid_rows", "copies", "expected"), [(0, 0, 2), (5000, 0, 2), (5001, 0, 1), (10_000, 1, 2), (10_001, 1, 1)]
)
def test_checks_that_would_take_most_of_the_time_are_fewer(valid_rows: int, copies: int, expected: int) -> None:
    facts = Facts(5000, 2, 384, 6, False, valid_rows, copies)
    assert planned(facts=facts).per_epoch == expected
    assert planned("evaluation.per_epoch=4", facts=facts).per_epoch == 4
