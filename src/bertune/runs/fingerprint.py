"""Everything that decides the weights and scores of a run, by name; a resume compares each."""

import platform
from importlib.metadata import version
from typing import Any

import torch

from bertune.base.files import FILES
from bertune.base.processes import started
from bertune.base.recipe import Recipe
from bertune.base.version import VERSION
from bertune.engine.checkpoint import refuse
from bertune.engine.devices import Compute
from bertune.runs.prepare import Prepared

LIBRARIES = ("torch", "transformers", "tokenizers", "numpy", "scipy", "scikit-learn")
# Where things lie, when checkpoints are made and who is told decide nothing: contents are compared by digest.
FREE = {"data": ("train", "valid", "test", "also", "unlabelled"), "model": ("name", "revision", "from_run"),
        "training": ("checkpoint_minutes", "keep_checkpoints", "track")}  # fmt: skip


def fingerprint(recipe: Recipe, prepared: Prepared, machine: Compute) -> dict[str, Any]:
    """The names and values that must be the same for a run to end as it would have ended, as JSON."""
    settings = recipe.digest_key()
    for section, names in FREE.items():
        settings[section] = {k: v for k, v in settings[section].items() if k not in names}
    return {
        "the data (rows, texts or labels)": prepared.rows.digest,
        "the model": model_digest(prepared),
        "the tokenizer": prepared.tokenizer.fingerprint(),
        "the version": {"bertune": VERSION, **versions()},
        "the device": _device(machine),
        "the number of threads": machine.threads,
        "the number of processes": group.count if (group := started()).count > 1 else None,
        "the recipe": settings,
    }


def unchanged(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ResumeError, naming what differs."""
    for what, value in now.items():
        refuse(what, before.get(what), value)


def versions() -> dict[str, str]:
    """The versions of what computes."""
    return {"python": ".".join(platform.python_version_tuple()[:2]), **{name: version(name) for name in LIBRARIES}}


def model_digest(prepared: Prepared) -> str:
    """Digests of the pretrained weights and of the model's config."""
    folder = prepared.chosen.folder
    return ",".join(FILES.digest(f) for f in (*sorted(folder.glob("*.safetensors")), folder / "config.json"))


def _device(machine: Compute) -> str:
    """The kind of device with what decides the order of its sums: vector instructions, or the name of the GPU."""
    kind = machine.device.type
    if kind == "cuda":
        return f"cuda, {torch.cuda.get_device_name(machine.device)}"
    return f"cpu, {torch.backends.cpu.get_cpu_capability()}" if kind == "cpu" else kind
