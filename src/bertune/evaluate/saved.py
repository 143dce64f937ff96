"""A model at rest: a plain transformers folder with bertune.json beside it, and bertune.safetensors where a head learns
more than the network holds."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from bertune.base import registry
from bertune.base.errors import ModelError
from bertune.base.files import FILES
from bertune.base.model_files import read_object
from bertune.base.settings import build
from bertune.base.types import Roles, Tuned
from bertune.data.tokenizer import TextTokenizer
from bertune.model import beside
from bertune.model.encoder import MORE, Model, head_of, quietly
from bertune.model.encoder import load as load_network

FORMAT = 1


@dataclass(frozen=True)
class About:
    """What bertune.json tells: enough to treat new texts as the training texts were treated.

    `more` is what the task tuned on validation rows, `settings` are its own.
    """

    task: str
    classes: tuple[str, ...]
    columns: Mapping[str, str | None]
    max_length: int
    cleaning: tuple[str, ...]
    missing: str
    fill: str
    temperature: float
    threshold: float | None
    metric: str
    bertune: str
    more: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def tuned(self) -> Tuned:
        """How answers are read; their scale lies in the weights."""
        return Tuned(threshold=self.threshold, more=self.more)


@dataclass(frozen=True, eq=False)
class SavedModel:
    """A model with its tokenizer and what is known of it."""

    model: Model
    tokenizer: TextTokenizer
    about: About
    folder: Path

    @property
    def task(self) -> Any:
        """The task that it was trained for."""
        return _task(self.about)

    @property
    def roles(self) -> Roles:
        """The columns of training."""
        named = dict(self.about.columns)
        text, pair, label = str(named.pop("text")), named.pop("text_pair", None), named.pop("label", None)
        return Roles(text, pair, label, more={role: name for role, name in named.items() if name is not None})

    @property
    def pairs(self) -> bool:
        """Whether it reads two texts a row."""
        return self.roles.text_pair is not None


def _task(about: About) -> Any:
    return build(registry.load("tasks", about.task), values=dict(about.settings))


def fold(model: Model, tuned: Tuned) -> None:
    """Scale and shift the answers for good, in the head's last linear layer.

    Raises ModelError where the head has none: then calibration must stay off.
    """
    if tuned.scale == 1.0 and tuned.shift == 0.0:
        return
    with torch.no_grad():
        layer = _last_linear(model)
        layer.weight.mul_(tuned.scale)
        if layer.bias is not None:
            layer.bias.mul_(tuned.scale).add_(tuned.shift)


def _last_linear(model: Model) -> nn.Linear:
    inside = {id(m) for m in model.base.modules()}
    classes = int(model.network.config.num_labels)
    heads = [m for m in model.network.modules() if isinstance(m, nn.Linear) and id(m) not in inside]
    fitting = [m for m in heads if m.out_features == classes]
    if not fitting:
        raise ModelError(
            "this architecture's head has no final linear layer to fold the temperature into.",
            next_move="--set evaluation.calibration=false",
        )
    return fitting[-1]


def save(model: Model, tokenizer: TextTokenizer, about: About, folder: Path) -> None:
    """Write a folder that transformers loads as it is; built beside the target, flushed, then renamed.

    Raises OSError when the disk fails.
    """
    building = folder.with_name(folder.name + ".building")
    FILES.remove(building)
    FILES.make_folder(building)
    try:
        with quietly():
            model.network.save_pretrained(str(building), safe_serialization=True)
    except SafetensorError as error:
        raise OSError(f"{building}: the weights cannot be written: {error}") from error
    before = tokenizer.inner.model_max_length
    tokenizer.inner.model_max_length = about.max_length
    tokenizer.save(building)
    tokenizer.inner.model_max_length = before
    beside.write(model.head.more, building)
    for name, content in model.head.files(model.network, about.max_length).items():
        FILES.make_folder((building / name).parent)
        FILES.write_json(building / name, content)
    FILES.write_json(building / "bertune.json", asdict(about))
    FILES.sync_tree(building)
    FILES.remove(folder)
    FILES.rename(building, folder)


def read_about(folder: Path) -> About:
    """What bertune.json in a folder tells, each value checked. Raises ModelError."""
    raw = read_object(folder, "bertune.json")
    if raw.get("format", FORMAT) != FORMAT:
        found = f"format {str(raw['format'])[:40]}"
        raise ModelError("this model was saved by another release.", where=str(folder), found=found)
    raw = {"more": {}, "settings": {}, **raw}  # earlier models have neither
    wrong = [name for name in [*raw, *_ABOUT] if name not in raw or name not in _ABOUT or not _ABOUT[name](raw[name])]
    if wrong:
        raise ModelError(
            "bertune.json cannot be used.",
            where=str(folder / "bertune.json"),
            expected=", ".join(_ABOUT),
            found=f"{wrong[0][:40]!r} is missing or not what it should be",
            next_move="copy the model again, or repeat the run from its recipe.toml",
        )
    return About(**raw | {"classes": tuple(raw["classes"]), "cleaning": tuple(raw["cleaning"])})


def _number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def _names(value: Mapping[str, Any]) -> bool:
    return all(name is None or isinstance(name, str) for name in value.values())


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(v, str) for v in value)


# what each entry of bertune.json must be
_ABOUT: dict[str, Callable[[Any], bool]] = {
    "task": lambda v: v in registry.names("tasks"),
    "classes": lambda v: _texts(v) and len(v) != 1 and len(set(v)) == len(v),
    "columns": lambda v: isinstance(v, dict) and isinstance(v.get("text"), str) and _names(v),
    "max_length": lambda v: isinstance(v, int) and _number(v, 1, 1_000_000),
    "cleaning": lambda v: _texts(v) and all(name in registry.names("cleaners") for name in v),
    "missing": lambda v: v in ("drop", "fill"),
    "fill": lambda v: isinstance(v, str),
    "temperature": lambda v: _number(v, 0, 1e9),
    "threshold": lambda v: v is None or _number(v, 0, 1),
    "metric": lambda v: v in registry.names("metrics"),
    "bertune": lambda v: isinstance(v, str),
    "more": lambda v: isinstance(v, dict),
    "settings": lambda v: isinstance(v, dict),
    "format": lambda v: isinstance(v, int),
}


def model_folder(folder: Path) -> Path:
    """The folder of the model of a run folder, or of a model folder itself. Raises ModelError."""
    if (folder / "model" / "bertune.json").is_file():
        return folder / "model"
    if not (folder / "bertune.json").is_file():
        raise ModelError(
            "no model of bertune lies here.",
            where=str(folder),
            expected="a run folder with model/bertune.json",
            next_move="bertune resume finishes a run that was interrupted",
        )
    return folder


def load(folder: Path) -> SavedModel:
    """Read a saved model, from a run folder or its model folder. Raises ModelError."""
    folder = model_folder(folder)
    about = read_about(folder)
    tokenizer = TextTokenizer(folder)
    task = _task(about)
    model = load_network(folder, head_of(task.head, task.answering), about.classes, tokenizer.pad_id)
    if any(name.startswith(MORE) for name in model.new_parameters()):
        raise ModelError(
            "a part of this model is missing, or is that of another.", where=str(folder / beside.FILE),
            expected="what was learnt beside the network", next_move="copy the whole folder of the model again",
        )  # fmt: skip
    model.network.eval()
    return SavedModel(model, tokenizer, about, folder)
