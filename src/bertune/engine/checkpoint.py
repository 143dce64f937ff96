"""Checkpoints: safetensors and a JSON manifest with sizes and digests; complete and verified, or absent."""

import errno
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load as read_tensors
from torch import Tensor

from bertune.base.errors import ResumeError
from bertune.base.files import FILES, Bytes

FORMAT = 1  # of the folder, in its manifest and its state; a change of what they hold makes it 2
_BEST = re.compile(r"best-\d+")
_FILE = re.compile(r"[a-z_]{1,40}\.(json|safetensors)")  # what `save` names its files
MANIFEST = "manifest.json"
LOST = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EIO)  # what a damaged disk says; others may read it again
_NAMES = {torch.float32: "F32", torch.float64: "F64", torch.bfloat16: "BF16", torch.float16: "F16",
          torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL"}  # fmt: skip


def tensor_chunks(tensors: Mapping[str, Tensor]) -> Iterator[Bytes]:
    """A safetensors file in chunks, one tensor in memory at a time.

    Source: the format description of safetensors 0.8 (8-byte header length, JSON header padded to 8, raw data).
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        size = tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + size]
        }  # fmt: skip
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in sorted(tensors):
        plain = tensors[name].detach().cpu().contiguous().flatten()
        if plain.numel():
            yield plain.view(torch.uint8).numpy().data


def save(folder: Path, groups: Mapping[str, Mapping[str, Tensor]], state: Mapping[str, Any]) -> None:
    """Write a checkpoint folder: one safetensors file for each group, state.json, the manifest last.

    Built beside the target, flushed, renamed, then read back and compared by digest. A sound checkpoint of the same
    name and state is left alone; another is removed when the new one is complete. Raises OSError when the disk fails.
    """
    whole = {"format": FORMAT, **state}
    if is_sound(folder) and _raw_state(folder) == json.loads(json.dumps(whole)):
        return
    building = folder.with_name(folder.name + ".building")
    FILES.remove(building)
    FILES.make_folder(building)
    entries = {}
    for name, tensors in groups.items():
        digest = FILES.write(building / f"{name}.safetensors", tensor_chunks(tensors))
        entries[f"{name}.safetensors"] = digest
    entries["state.json"] = FILES.write_json(building / "state.json", whole)
    sizes = {name: (building / name).stat().st_size for name in entries}
    manifest = {"format": FORMAT, "files": {n: {"bytes": sizes[n], "sha256": d} for n, d in entries.items()}}
    FILES.write_json(building / MANIFEST, manifest)
    FILES.flush_folder(building)
    FILES.remove(folder)
    FILES.rename(building, folder)
    problem = damage(folder)
    if problem:
        raise OSError(f"checkpoint {folder.name} reads back damaged: {problem}")


def damage(folder: Path, digests: bool = True) -> str | None:
    """What is wrong with a checkpoint, naming the file; None when every file has its recorded size and digest.

    Without `digests` only the sizes are looked at, which takes no time. Files that the manifest does not name are never
    read. Raises OSError where the disk may be sound (no permission, too many open files), and ResumeError for a sound
    checkpoint of another format.
    """
    try:
        manifest = FILES.read_json(folder / MANIFEST)
        files = manifest["files"]
        for name, entry in files.items():
            if not _FILE.fullmatch(name):
                return f"{MANIFEST} names {name[:80]!r}, which is no file of the checkpoint"
            path = folder / name
            if not path.is_file():
                return f"{name} is missing"
            if path.stat().st_size != entry["bytes"]:
                return f"{name} has {path.stat().st_size:,} bytes, expected {entry['bytes']:,}"
            if digests and FILES.digest(path) != entry["sha256"]:
                return f"{name} has another digest than the manifest"
        return _other_format(folder, manifest["format"]) if manifest["format"] != FORMAT else None
    except OSError as error:
        if error.errno not in LOST:
            raise
        return f"{Path(error.filename or MANIFEST).name} cannot be read ({error.strerror})"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"{MANIFEST} cannot be used ({type(error).__name__})"


def _other_format(folder: Path, number: Any) -> str:
    """What is wrong with a manifest whose format number its state contradicts; else raises ResumeError."""
    if _raw_state(folder)["format"] != number:
        return f"{MANIFEST} says format {number}, state.json another"
    raise ResumeError(
        "this checkpoint was written by another release.", where=str(folder), expected=f"format {FORMAT}",
        found=f"format {number}",
        next_move='resume it with the release that began the run ("bertune" in run.json), or start a new run',
    )  # fmt: skip


def is_sound(folder: Path) -> bool:
    """Whether a checkpoint is complete and every digest fits."""
    return damage(folder) is None


def has_group(folder: Path, name: str) -> bool:
    """Whether a checkpoint holds this group."""
    return (folder / f"{name}.safetensors").is_file()


def read_group(folder: Path, name: str) -> dict[str, Tensor]:
    """The tensors of one group of a checkpoint."""
    return dict(read_tensors(FILES.read(folder / f"{name}.safetensors")))


def read_state(folder: Path) -> dict[str, Any]:
    """The JSON state of a checkpoint."""
    state = _raw_state(folder)
    state.pop("format", None)
    return state


def _raw_state(folder: Path) -> dict[str, Any]:
    return dict(FILES.read_json(folder / "state.json"))


def step_of(folder: Path) -> int:
    """The step that a checkpoint folder is named after; -1 for other names."""
    prefix, _, number = folder.name.partition("-")
    return int(number) if prefix in ("step", "best") and number.isdecimal() else -1


def found(checkpoints: Path, prefix: str = "step") -> list[Path]:
    """Checkpoint folders by falling step (never by time stamps, which clocks and copies change)."""
    folders = [p for p in checkpoints.glob(f"{prefix}-*") if p.is_dir() and step_of(p) >= 0]
    return sorted(folders, key=step_of, reverse=True)


def newest_sound(checkpoints: Path) -> tuple[Path | None, list[tuple[str, str]]]:
    """The newest undamaged checkpoint, and the damaged ones that were passed over as (name, what is wrong)."""
    passed: list[tuple[str, str]] = []
    for folder in found(checkpoints):
        problem = damage(folder)
        state = {} if problem else read_state(folder)
        best, position = state.get("best"), state.get("position")
        step = position.get("step") if isinstance(position, dict) else None
        if problem is None and step != step_of(folder):
            problem = f"it holds step {step}"
        if problem is None and best is not None and not (isinstance(best, str) and _BEST.fullmatch(best)):
            problem = f"the best weights it names ({str(best)[:80]!r}) are none of this run"
        elif problem is None and best is not None:
            problem = damage(checkpoints / best) and f"the best weights it names ({best}) are damaged"
        if problem is None:
            return folder, passed
        passed.append((folder.name, problem))
    return None, passed


def prune(checkpoints: Path, newest: Path, keep: int) -> None:
    """Remove all but `newest`, which was just verified, and the checkpoints before it up to `keep`; and leavings.

    Checkpoints of later steps are leavings too: of a run that fell back behind them.
    """
    older = [f for f in found(checkpoints) if step_of(f) < step_of(newest) and damage(f, digests=False) is None]
    kept = [newest, *older[: keep - 1]]
    for folder in found(checkpoints):
        if folder not in kept:
            FILES.remove(folder)
    prune_best(checkpoints, None)
    for leaving in checkpoints.glob("*.building"):
        FILES.remove(leaving)


def prune_best(checkpoints: Path, newest: str | None) -> None:
    """Remove best weights that no checkpoint names, `newest` excepted: without it a short run fills the disk."""
    needed = {newest}
    for folder in found(checkpoints):
        try:
            needed.add(read_state(folder).get("best"))
        except (OSError, ValueError):
            continue  # damaged: `damage` tells it when a resume looks
    for folder in found(checkpoints, "best"):
        if folder.name not in needed:
            FILES.remove(folder)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The optimizer's state as named tensors and JSON numbers, by position of the parameter."""
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, parameter in enumerate(_parameters(optimizer)):
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, Tensor):
                tensors[f"{index}.{key}"] = value
            elif value is not None:
                numbers[f"{index}.{key}"] = value
    return tensors, numbers


def load_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> None:
    """Give an optimizer of the same parameters the state that `optimizer_tensors` took."""
    parameters = _parameters(optimizer)
    # Step counters stay on the processor, unless a kernel of the device counts.
    in_kernel = {id(p) for g in optimizer.param_groups if g.get("fused") or g.get("capturable") for p in g["params"]}
    optimizer.state.clear()
    for name, value in [*tensors.items(), *numbers.items()]:
        index, _, key = name.partition(".")
        parameter = parameters[int(index)]
        if isinstance(value, Tensor) and (value.dim() > 0 or id(parameter) in in_kernel):
            value = value.to(parameter.device)
        optimizer.state[parameter][key] = value


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def refuse(what: str, expected: Any, found_value: Any) -> None:
    """Raise ResumeError when something that decides the weights is not what it was; of tables it names the keys."""
    if expected == found_value:
        return
    if isinstance(expected, dict) and isinstance(found_value, dict):
        old, new = _leaves(expected), _leaves(found_value)
        keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        what = f"{what} ({', '.join(keys)})"
        expected = ", ".join(str(old.get(key, "nothing")) for key in keys)
        found_value = ", ".join(str(new.get(key, "nothing")) for key in keys)
    raise ResumeError(
        f"this run cannot be continued exactly: {what} differs.",
        expected=str(expected),
        found=str(found_value),
        next_move="restore it, or start a new run with bertune train",
    )


def _leaves(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    leaves: dict[str, Any] = {}
    for key, value in table.items():
        leaves |= _leaves(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return leaves
