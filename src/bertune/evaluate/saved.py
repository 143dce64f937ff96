"""A model at rest: a plain transformers folder with bertune.json beside it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from bertune.base import registry
from bertune.base.errors import ModelError
from bertune.base.files import FILES
from bertune.data.tokenizer import TextTokenizer
from bertune.model.encoder import Model, quietly
from bertune.model.encoder import load as load_network

FORMAT = 1


@dataclass(frozen=True)
class About:
    """What bertune.json tells: enough to treat new texts as the training texts were treated."""

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
    format: int = FORMAT


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
        return registry.load("tasks", self.about.task)()


def fold_temperature(model: Model, temperature: float) -> None:
    """Divide the logits by the temperature for good, by scaling the head's last linear layer.

    Raises ModelError where the head has none: then calibration must stay off.
    """
    if temperature == 1.0:
        return
    with torch.no_grad():
        layer = _last_linear(model)
        layer.weight.div_(temperature)
        if layer.bias is not None:
            layer.bias.div_(temperature)


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
    FILES.write_json(building / "bertune.json", asdict(about))
    FILES.sync_tree(building)
    FILES.remove(folder)
    FILES.rename(building, folder)


def load(folder: Path) -> SavedModel:
    """Read a saved model, from a run folder or its model folder. Raises ModelError."""
    if (folder / "model" / "bertune.json").is_file():
        folder = folder / "model"
    if not (folder / "bertune.json").is_file():
        raise ModelError(
            "no model of bertune lies here.",
            where=str(folder),
            expected="a run folder with model/bertune.json",
            next_move="bertune resume finishes a run that was interrupted",
        )
    try:
        raw = FILES.read_json(folder / "bertune.json")
        raw["classes"], raw["cleaning"] = tuple(raw["classes"]), tuple(raw["cleaning"])
        about = About(**raw)
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError("bertune.json cannot be used.", where=str(folder), found=type(error).__name__) from error
    if about.format != FORMAT:
        raise ModelError("this model was saved by another release.", where=str(folder), found=f"format {about.format}")
    tokenizer = TextTokenizer(folder)
    task = registry.load("tasks", about.task)()
    model = load_network(folder, task.head, about.classes, tokenizer.pad_id)
    model.network.eval()
    return SavedModel(model, tokenizer, about, folder)
