"""Every setting that a recipe may hold, with values made from its annotation: wrong ones and right ones."""

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Union

from hypothesis import strategies as st

from bertune.base import registry
from bertune.base.recipe import MANY, SECTIONS, SLOTS, Seed
from bertune.base.settings import schema

NOWHERE = "no-such-value"


@dataclass(frozen=True)
class Entry:
    """One setting: its dotted key, what it may be, its bounds, and what must be chosen beside it."""

    key: str
    annotation: Any
    metadata: tuple[Any, ...]
    choice: str = ""

    @property
    def group(self) -> str:
        """What the setting stands under: a section, or a slot with its part."""
        return self.choice or self.key.rpartition(".")[0]

    @property
    def beside(self) -> dict[str, Any]:
        """The setting that chooses the part."""
        slot, _, name = self.choice.partition("=")
        return {f"{slot}.name": name} if name else {}


def entries() -> Iterator[Entry]:
    """Every setting of every section and of every part that a recipe can choose."""
    yield Entry("seed", Seed, ())
    for section, model in SECTIONS.items():
        yield from (Entry(f"{section}.{k}", f.annotation, tuple(f.metadata)) for k, f in model.model_fields.items())
    for slot, spec in SLOTS.items():
        for name in registry.names(spec.door):
            own = schema(registry.load(spec.door, name)).model_fields
            for key, field in {**spec.shared.model_fields, **own}.items():
                yield Entry(f"{slot}.{key}", field.annotation, tuple(field.metadata), f"{slot}={name}")
    for prefix, door in MANY.items():
        for name in registry.names(door):
            for key, field in schema(registry.load(door, name)).model_fields.items():
                yield Entry(f"{prefix}.{name}.{key}", field.annotation, tuple(field.metadata))


def members(annotation: Any, metadata: tuple[Any, ...] = ()) -> list[tuple[Any, tuple[Any, ...]]]:
    """(type, bounds) of each alternative of an annotation."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        base, *extra = typing.get_args(annotation)
        inner = tuple(m for e in extra for m in getattr(e, "metadata", [e]))
        return members(base, (*metadata, *inner))
    if origin in (Union, types.UnionType):
        return [m for a in typing.get_args(annotation) for m in members(a, metadata)]
    return [(annotation, metadata)]


def wrong_type(entry: Entry) -> Any:
    """A value of a type that the setting does not have."""
    kinds = {typing.get_origin(kind) or kind for kind, _ in members(entry.annotation)}
    return NOWHERE if not kinds & {str, Literal} else [[2.5]]


def wrong_value(entry: Entry) -> Any:
    """A value of a right type that no alternative allows, or None where every value of the type is allowed."""
    for kind, bounds in members(entry.annotation, entry.metadata):
        if typing.get_origin(kind) is tuple:
            inner = Entry("", typing.get_args(kind)[0], ())
            value = wrong_value(inner)
            return [2.5 if value is None else value]
        if kind in (int, float):
            return _beyond(kind, bounds)
    kinds = {typing.get_origin(kind) or kind for kind, _ in members(entry.annotation)}
    forms = [b for _, bounds in members(entry.annotation) for b in bounds if getattr(b, "pattern", None)]
    return NOWHERE if kinds == {Literal} or forms else 3 if kinds == {bool} else None


def _beyond(kind: type, bounds: tuple[Any, ...]) -> Any:
    for bound in bounds:
        if getattr(bound, "ge", None) is not None:
            return kind(bound.ge - 1)
        if getattr(bound, "gt", None) is not None:
            return kind(bound.gt)
        if getattr(bound, "le", None) is not None:
            return kind(bound.le + 1)
    return None if kind is int else float("nan")


def right(entry: Entry) -> st.SearchStrategy[Any]:
    """Allowed values of a setting."""
    return st.one_of([_right(kind, bounds) for kind, bounds in members(entry.annotation, entry.metadata)])


def _right(kind: Any, bounds: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    limits = {k: getattr(b, k) for b in bounds for k in ("ge", "gt", "le", "lt") if getattr(b, k, None) is not None}
    low, high = limits.get("ge", limits.get("gt")), limits.get("le", limits.get("lt"))
    if kind is type(None):
        return st.none()
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(low if low is not None else -1000, high if high is not None else 10**6)
    if kind is float:
        return st.floats(low, high, allow_nan=False, allow_infinity=False, exclude_min="gt" in limits,
                         exclude_max="lt" in limits)  # fmt: skip
    if typing.get_origin(kind) is Literal:
        return st.sampled_from(typing.get_args(kind))
    if typing.get_origin(kind) is tuple:
        inner = Entry("", typing.get_args(kind)[0], ())
        return st.lists(right(inner), min_size=1, max_size=3).map(tuple)
    pattern = next((b.pattern for b in bounds if getattr(b, "pattern", None)), None)
    if pattern is not None:
        return st.from_regex(pattern, fullmatch=True).filter(str.isascii)
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
