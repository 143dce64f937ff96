"""The rule that fills each `auto` of a recipe from rows, classes, model and what of it learns."""

import pytest

from bertune.engine.plan import RATE_OF_TRAINED, Facts, Plan, plan
from bertune.runs.ask import ask

FACTS = Facts(rows=5000, classes=2, hidden=384, layers=6, pairs=False, validated=True)


def planned(*settings: str, facts: Facts = FACTS) -> Plan:
    return plan(ask({"data": "rows.csv"}, list(settings)), facts)


@pytest.mark.parametrize("trained", ["all", "top", "lora", "head"])
def test_what_learns_decides_the_rate(trained: str) -> None:
    rate = RATE_OF_TRAINED.get(trained, 1.0)
    found = planned(f"model.train={trained}")
    assert found.learning_rate == found.rule_rate == pytest.approx(1.5e-4 * rate)
    assert ("width 384," in found.why) == (trained != "all"), "the plan line says what learns"
    many = planned(f"model.train={trained}", facts=Facts(5000, 77, 768, 12, False, True))
    assert many.learning_rate == pytest.approx(1.5e-4 * rate)  # half for the width, double for the classes


def test_a_given_rate_stays_and_the_rule_is_remembered() -> None:
    found = planned("model.train=head", "optimizer.learning_rate=2e-5")
    assert found.learning_rate == 2e-5 and found.rule_rate == pytest.approx(1.5e-3)
    assert found.gentler().learning_rate == pytest.approx(5e-6)


def test_optimizers_keep_their_relation_to_adamw() -> None:
    whole, head = planned("optimizer.name=lion"), planned("optimizer.name=lion", "model.train=head")
    assert head.learning_rate == pytest.approx(10 * whole.learning_rate) != planned().learning_rate
