"""Settings written once: the typed keyword-only signature of a part is its schema.

`schema(Focal)` is a pydantic model made from `def __init__(self, *, gamma: Annotated[float, Ge(0), Le(10)] = 2.0)`;
recipe checking, `bertune show`, the docs table and the invalid-value tests all read it.
"""

import inspect
import types
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any, Union

from pydantic import BaseModel, ConfigDict, create_model


@cache
def schema(part: Any) -> type[BaseModel]:
    """A pydantic model with one field for each keyword-only parameter of a part; unknown keys are refused."""
    function = part.__init__ if inspect.isclass(part) else part
    hints = typing.get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            default = ... if parameter.default is inspect.Parameter.empty else parameter.default
            fields[name] = (hints[name], default)
    config = ConfigDict(extra="forbid", strict=False, allow_inf_nan=False)
    return create_model(getattr(part, "__name__", "Part"), __config__=config, **fields)


@dataclass(frozen=True)
class Setting:
    """One setting as it is shown: name, allowed values in words, default, and what it means."""

    name: str
    allowed: str
    default: object
    meaning: str


_NAMES = {float: "a number", int: "a whole number", str: "a text", bool: "true or false", type(None): "nothing"}
_BOUNDS = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most", "min_length": "at least as long as",
           "pattern": "of the form"}  # fmt: skip


def allowed(annotation: Any, metadata: typing.Sequence[Any] = ()) -> str:
    """The values that an annotation allows, in words: `a number at least 0 and at most 10`."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        base, *extra = typing.get_args(annotation)
        limits = [m for field in extra for m in getattr(field, "metadata", [field])]
        return allowed(base, [*limits, *metadata])
    if origin is typing.Literal:
        choices = [str(a) for a in typing.get_args(annotation)]
        return choices[0] if len(choices) == 1 else "one of " + ", ".join(choices)
    if origin in (Union, types.UnionType):
        parts = [allowed(a) for a in typing.get_args(annotation) if a is not type(None)]
        return " or ".join([*parts, *(["nothing"] if type(None) in typing.get_args(annotation) else [])])
    if origin in (tuple, list):
        inner = next((a for a in typing.get_args(annotation) if a is not Ellipsis), Any)
        return f"a list, each {allowed(inner)}"
    if origin is dict:
        return "a table"
    words = _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))
    bounds = [f"{_BOUNDS[key]} {value}" for m in metadata for key, value in _bounds(m) if key in _BOUNDS]
    return " ".join([words, " and ".join(bounds)]).strip()


def _bounds(metadata: Any) -> list[tuple[str, Any]]:
    return [(k, getattr(metadata, k)) for k in _BOUNDS if getattr(metadata, k, None) is not None]


def settings_of(model: type[BaseModel]) -> list[Setting]:
    """The settings of a schema as rows to show."""
    return [
        Setting(name, allowed(field.annotation, field.metadata), field.get_default(), field.description or "")
        for name, field in model.model_fields.items()
    ]


def build(part: Any, *positional: Any, values: dict[str, Any] | None = None) -> Any:
    """The part made with checked settings; `values` may be incomplete, defaults fill it.

    Raises pydantic.ValidationError when a value is not allowed.
    """
    checked = schema(part)(**(values or {}))
    return part(*positional, **{name: getattr(checked, name) for name in type(checked).model_fields})
