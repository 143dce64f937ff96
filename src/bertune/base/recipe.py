"""A recipe: every setting of a run, checked all at once before anything is downloaded or computed."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import tomli_w
from annotated_types import Ge
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from bertune.base import registry
from bertune.base.errors import Problem, RecipeError
from bertune.base.registry import LONGEST_NAME
from bertune.base.sections import (
    AugmentSection,
    DataSection,
    EvaluationSection,
    ModelSection,
    OptimizerSection,
    ReportSection,
    ScheduleSection,
    Section,
    SelfTrainingSection,
    TrainingSection,
)
from bertune.base.settings import allowed, schema
from bertune.base.wording import brief

Raw = dict[str, Any]
RECIPE_BYTES = 1_000_000
MOST_PROBLEMS = 50


@dataclass(frozen=True)
class Slot:
    """A table that chooses one part of a door by its `name`; `shared` are the settings every part there has."""

    door: str
    default: str
    shared: type[Section] = Section


SECTIONS: dict[str, type[Section]] = {
    "data": DataSection,
    "model": ModelSection,
    "training": TrainingSection,
    "self_training": SelfTrainingSection,
    "evaluation": EvaluationSection,
    "report": ReportSection,
}
SLOTS = {
    "task": Slot("tasks", "auto"),
    "data.split": Slot("splits", "stratified"),
    "data.augment": Slot("augmenters", "none", AugmentSection),
    "training.sampler": Slot("samplers", "every_row"),
    "training.step": Slot("steps", "plain"),
    "loss": Slot("losses", "auto"),
    "optimizer": Slot("optimizers", "adamw", OptimizerSection),
    "schedule": Slot("schedules", "linear", ScheduleSection),
}
MANY = {"regularizer": "regularizers"}
Seed = Annotated[int, Ge(0)]


@dataclass(frozen=True)
class Part:
    """The choice of one part: its name, its own settings, and those shared by every part of its door."""

    name: str
    settings: Mapping[str, Any]
    shared: Any = None


@dataclass(frozen=True)
class Recipe:
    """All settings of a run, checked. `stated` holds the keys that somebody wrote, in dotted form."""

    data: DataSection
    model: ModelSection
    training: TrainingSection
    self_training: SelfTrainingSection
    evaluation: EvaluationSection
    report: ReportSection
    parts: Mapping[str, Part]
    regularizers: tuple[Part, ...]
    seed: int
    stated: Mapping[str, Any]

    def part(self, slot: str) -> Part:
        """The part chosen in a slot, such as `loss` or `data.split`."""
        return self.parts[slot]

    def changed(self, values: Mapping[str, Any]) -> "Recipe":
        """The recipe with some dotted keys set to other values, checked again."""
        return resolve({**self.stated, **values})

    def as_toml(self) -> str:
        """The whole recipe as TOML, defaults included; reading it gives the same recipe."""
        return tomli_w.dumps(self.as_dict())

    def as_dict(self) -> Raw:
        """The whole recipe as nested tables, defaults included, without settings that are nothing."""
        raw: Raw = {"seed": self.seed}
        for name in SECTIONS:
            raw[name] = getattr(self, name).model_dump(mode="json", exclude_none=True)
        for slot, part in self.parts.items():
            shared = {} if part.shared is None else part.shared.model_dump(mode="json", exclude_none=True)
            _put(raw, slot, {"name": part.name, **shared, **_plain(part.settings)})
        for part in self.regularizers:
            _put(raw, f"regularizer.{part.name}", _plain(part.settings))
        return raw

    def digest_key(self) -> Raw:
        """The part of the recipe that decides the weights, for comparing a run with its recipe at resume."""
        raw = self.as_dict()
        raw.pop("report", None)
        return raw


def _plain(settings: Mapping[str, Any]) -> Raw:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items() if v is not None}


def _put(raw: Raw, dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    for step in path:
        raw = raw.setdefault(step, {})
    raw[last] = value


def flatten(raw: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested tables as (dotted key, value)."""
    for key, value in raw.items():
        if isinstance(value, Mapping):
            if not value and prefix + key in {*SECTIONS, *SLOTS, *MANY}:
                continue
            if not value:
                yield f"{prefix}{key}", value
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def read_toml(path: Path) -> dict[str, Any]:
    """The dotted keys of a recipe file. Raises RecipeError when it is missing, too large or not TOML."""
    try:
        if path.stat().st_size > RECIPE_BYTES:
            raise RecipeError([Problem(str(path), f"no recipe is larger than {RECIPE_BYTES:,} bytes", "--recipe")])
        return dict(flatten(tomllib.loads(path.read_text(encoding="utf-8"))))
    except FileNotFoundError:
        raise RecipeError([Problem(str(path), "there is no such file", "--recipe")]) from None
    except (ValueError, RecursionError, OSError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise RecipeError([Problem(str(path), f"not readable as TOML: {str(error)[:200]}", "--recipe")]) from None


def parse_assignment(text: str) -> tuple[str, Any]:
    """`loss.gamma=1.5` -> ("loss.gamma", 1.5): the value is TOML where it can be read as TOML, else a text."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise RecipeError([Problem(brief(text), "expected key=value, such as training.epochs=2", "--set")])
    try:
        read = tomllib.loads(f"v = {value}")
    except (ValueError, RecursionError):
        return key, value
    return key, read["v"] if len(read) == 1 else value  # a line break may bring further keys


def resolve(stated: Mapping[str, Any], origin: Mapping[str, str] | None = None) -> Recipe:
    """The checked recipe from dotted keys. Raises RecipeError with every problem at once."""
    origin = origin or {}
    problems: list[Problem] = []
    left = {key: value for key, value in stated.items() if value is not None}
    for key in [key for key, value in left.items() if not (_writable(key) and _writable(value))]:
        text = f"found {brief(left.pop(key))}; expected UTF-8 text, or a number of 64 bits"
        problems.append(Problem(key if _writable(key) else brief(key), text, origin.get(key, "")))
    parts, models = {}, {}
    for slot, spec in SLOTS.items():
        parts[slot] = _part(slot, spec, left, problems, origin)
    regularizers = _regularizers(left, problems, origin)
    for name, model in SECTIONS.items():
        models[name] = _section(name, model, _under(name, left), problems, origin)
    seed = _value("seed", Seed, left.pop("seed", 0), problems, origin)
    problems += [Problem(key[:LONGEST_NAME], _unknown(key), origin.get(key, "")) for key in [*left][:MOST_PROBLEMS]]
    _names(models, problems, origin)
    if len(left) > MOST_PROBLEMS:
        problems.append(Problem("…", f"and {len(left) - MOST_PROBLEMS:,} more unknown settings"))
    if problems:
        raise RecipeError(sorted(problems, key=lambda p: p.key))
    return Recipe(**models, parts=parts, regularizers=regularizers, seed=seed, stated=dict(stated))


def _writable(value: Any) -> bool:
    """Whether a value can be written down as TOML: a file name that is no UTF-8 cannot, nor a number beyond 64 bits."""
    if isinstance(value, (list, tuple)):
        return all(_writable(part) for part in value)
    if isinstance(value, int):
        return abs(value) < 2**63
    return not isinstance(value, str) or not any("\ud800" <= character <= "\udfff" for character in value)


def _under(prefix: str, left: dict[str, Any]) -> dict[str, Any]:
    """Take the keys of one table out of `left`; keys of tables within it stay."""
    own = {key: key.removeprefix(prefix + ".") for key in left if key.startswith(prefix + ".")}
    return {short: left.pop(key) for key, short in own.items() if "." not in short}


def _part(slot: str, spec: Slot, left: dict[str, Any], problems: list[Problem], origin: Mapping[str, str]) -> Part:
    values = _under(slot, left)
    name = values.pop("name", spec.default)
    choices = registry.names(spec.door)
    if not isinstance(name, str) or (name not in choices and name != spec.default):
        near = registry.nearest(name if isinstance(name, str) else "", list(choices))
        text = f"found {brief(name)}; expected one of {', '.join(choices)}; did you mean {near}?"
        problems.append(Problem(f"{slot}.name", text, origin.get(f"{slot}.name", "")))
        return Part("", {}, spec.shared())
    model = _part_model(spec.door, name, spec.shared)
    checked = _section(slot, model, values, problems, origin)
    if checked is None:
        return Part(name, {}, spec.shared())
    shared_names = set(spec.shared.model_fields)
    own = {k: getattr(checked, k) for k in model.model_fields if k not in shared_names}
    if not _fit_together(spec.door, name, own, slot, problems):
        own = {}
    return Part(name, own, spec.shared(**{k: getattr(checked, k) for k in shared_names}))


def _fit_together(door: str, name: str, settings: Raw, slot: str, problems: list[Problem]) -> bool:
    """Whether a part takes its settings together, each of which is right by itself; such as fold below folds."""
    part = registry.load(door, name) if name in registry.names(door) else None
    if not isinstance(part, type):
        return True
    try:
        part(**settings)
    except ValueError as error:
        problems.append(Problem(slot, str(error)))
        return False
    return True


@cache
def _part_model(door: str, name: str, shared: type[BaseModel]) -> type[BaseModel]:
    own = schema(registry.load(door, name)).model_fields if name in registry.names(door) else {}
    fields: dict[str, Any] = {k: (f.annotation, f) for k, f in {**shared.model_fields, **own}.items()}
    return create_model(name, __config__=ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True), **fields)


def _regularizers(left: dict[str, Any], problems: list[Problem], origin: Mapping[str, str]) -> tuple[Part, ...]:
    chosen: list[Part] = []
    written = [key.split(".")[1] for key in left if key.startswith("regularizer.")]
    for name in sorted(set(written), key=written.index):
        if name not in registry.names("regularizers"):
            continue
        values = _under(f"regularizer.{name}", left)
        left.pop(f"regularizer.{name}", None)
        model = _part_model("regularizers", name, Section)
        checked = _section(f"regularizer.{name}", model, values, problems, origin)
        if checked is not None:
            chosen.append(Part(name, {k: getattr(checked, k) for k in model.model_fields}))
    return tuple(chosen)


def _section(
    prefix: str, model: type[BaseModel], values: Raw, problems: list[Problem], origin: Mapping[str, str]
) -> Any:
    for short in [name for name, value in values.items() if _is_misused(value, model.model_fields.get(name))]:
        field, value = model.model_fields[short], values.pop(short)
        text = f"found {brief(value)}; expected {allowed(field.annotation, field.metadata)}"
        problems.append(Problem(f"{prefix}.{short}", text, origin.get(f"{prefix}.{short}", "")))
    try:
        return model(**values)
    except ValidationError as error:
        seen: set[str] = set()
        for item in error.errors():
            short = str(item["loc"][0])
            key = f"{prefix}.{short}"
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > MOST_PROBLEMS:
                break
            if item["type"] == "extra_forbidden":
                problems.append(Problem(key, _unknown(key), origin.get(key, "")))
            else:
                field = model.model_fields[short]
                text = f"found {brief(values.get(short))}; expected {allowed(field.annotation, field.metadata)}"
                problems.append(Problem(key, text, origin.get(key, "")))
        return None


def _is_misused(value: Any, field: Any) -> bool:
    """Whether a truth value stands where none is meant: pydantic would read true as the number 1."""
    return isinstance(value, bool) and field is not None and "true or false" not in allowed(field.annotation)


def _value(key: str, kind: Any, value: Any, problems: list[Problem], origin: Mapping[str, str]) -> Any:
    try:
        return TypeAdapter(kind).validate_python(None if isinstance(value, bool) else value)
    except ValidationError:
        problems.append(Problem(key, f"found {brief(value)}; expected {allowed(kind)}", origin.get(key, "")))
        return None


def _unknown(key: str) -> str:
    slot, _, setting = key.rpartition(".")
    if key in known_keys() and slot in SLOTS:
        door = SLOTS[slot].door
        owners = [n for n in registry.names(door) if setting in schema(registry.load(door, n)).model_fields]
        return f"the chosen {slot} has no such setting; it belongs to {slot}.name = {' or '.join(owners)}"
    return f"unknown setting; did you mean {registry.nearest(key, known_keys())}?"


def known_keys() -> list[str]:
    """Every dotted key that a recipe may hold, whichever parts are chosen."""
    keys = ["seed", *(f"{name}.{field}" for name, model in SECTIONS.items() for field in model.model_fields)]
    for slot, spec in SLOTS.items():
        keys += [f"{slot}.name", *(f"{slot}.{field}" for field in spec.shared.model_fields)]
        for name in registry.names(spec.door):
            keys += [f"{slot}.{field}" for field in schema(registry.load(spec.door, name)).model_fields]
    for name in registry.names("regularizers"):
        keys += [f"regularizer.{name}.{f}" for f in schema(registry.load("regularizers", name)).model_fields]
    return list(dict.fromkeys(keys))


def _names(models: Mapping[str, Any], problems: list[Problem], origin: Mapping[str, str]) -> None:
    """Settings that name a part of a door without settings of its own."""
    data, evaluation = models["data"], models["evaluation"]
    named: list[tuple[str, str, str]] = []
    if data is not None:
        named += [("data.cleaning", "cleaners", name) for name in data.cleaning]
        named.append(("data.format", "readers", data.format))
    if evaluation is not None:
        named.append(("evaluation.metric", "metrics", evaluation.metric))
    for key, door, name in named:
        choices = registry.names(door)
        if name not in (*choices, "auto"):
            near = registry.nearest(name, list(choices))
            text = f"found {brief(name)}; expected one of {', '.join(choices)}; did you mean {near}?"
            problems.append(Problem(key, text, origin.get(key, "")))
