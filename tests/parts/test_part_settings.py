"""Every setting of these doors: a default that is allowed, a meaning, and wrong values refused."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from bertune.base import registry
from bertune.base.settings import schema, settings_of

DOORS = ("losses", "optimizers", "schedules", "regularizers")
PARTS = [(door, name) for door in DOORS for name in registry.names(door)]
SETTINGS = [(d, n, setting) for d, n in PARTS for setting in settings_of(schema(registry.load(d, n)))]


@pytest.mark.parametrize(("door", "name"), PARTS)
def test_says_what_it_is(door: str, name: str) -> None:
    first = registry.describe(door, name)
    assert first.endswith(".") and len(first) <= 120
    assert "Source:" in (registry.load(door, name).__doc__ or "") or name == "gradient_descent"


@pytest.mark.parametrize(("door", "name"), PARTS)
def test_defaults_are_allowed_and_unknown_names_refused(door: str, name: str) -> None:
    model = schema(registry.load(door, name))
    model(**model().model_dump())
    with pytest.raises(ValidationError):
        model(no_such_setting=1)


@pytest.mark.parametrize(("door", "name", "setting"), SETTINGS, ids=lambda x: getattr(x, "name", x))
@pytest.mark.parametrize("wrong", [math.nan, math.inf, "many", None, -2], ids=str)
def test_wrong_values_are_refused(door: str, name: str, setting: Any, wrong: Any) -> None:
    assert setting.meaning, "a setting without a meaning"
    with pytest.raises(ValidationError):
        schema(registry.load(door, name))(**{setting.name: wrong})
