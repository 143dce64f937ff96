"""The files of a model's folder, looked at before any library opens them: kept inside, bounded, and free of code."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bertune.base.errors import ModelError

JSON_BYTES = {"config.json": 10_000_000, "tokenizer_config.json": 50_000_000, "bertune.json": 50_000_000}
INDEX = "model.safetensors.index.json"
INDEX_BYTES = 50_000_000
TOKENIZER_BYTES = 256_000_000
WEIGHTS = "model.safetensors"
CODE_KEYS = ("auto_map", "custom_pipelines", "_attn_implementation", "_attn_implementation_internal",
             "attn_implementation", "_experts_implementation_internal", "kernel_config")  # fmt: skip
PLAIN_ATTENTION = (None, "eager", "sdpa", "flash_attention_2", "flex_attention")


def check_folder(folder: Path) -> None:
    """Refuses a model folder with links that lead out of it, or with files too large to be what they are called.

    Links into the blobs of the hub's cache are its own way of keeping files. Raises ModelError.
    """
    if (folder / "adapter_config.json").exists():
        raise ModelError(
            "this folder holds an adapter, which names another model to be loaded.",
            where=str(folder),
            expected="a whole model: config.json, model.safetensors and tokenizer.json",
            next_move="merge the adapter into its model, then save that",
        )
    inside = _home(folder)
    for entry in sorted(folder.iterdir()):
        if entry.is_symlink() and not entry.resolve().is_relative_to(inside):
            raise ModelError(
                "a link leads out of the model's folder.",
                where=str(entry),
                expected="files of the folder itself",
                found=os.readlink(entry)[:200],
                next_move="put the file in the place of the link, or remove the link",
            )
        most = TOKENIZER_BYTES if entry.suffix in (".json", ".txt", ".model") else None
        if most is not None and entry.is_file() and entry.stat().st_size > most:
            raise _too_large(entry, most)


def _home(folder: Path) -> Path:
    """Where the files of a folder may lie: in it, or in the hub's cache in the blobs beside its snapshots."""
    real = folder.resolve()
    if real.parent.name == "snapshots" and real.parent.parent.name.startswith("models--"):
        return real.parent.parent
    return real


def read_object(folder: Path, name: str) -> dict[str, Any]:
    """The JSON object in a file of a model's folder. Raises ModelError when it is missing, too large or none."""
    path = folder / name
    most = JSON_BYTES.get(name, INDEX_BYTES)
    try:
        if path.stat().st_size > most:
            raise _too_large(path, most)
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"there is no {name}.", where=str(folder)) from None
    except (ValueError, RecursionError, OSError) as error:
        raise ModelError(
            f"{name} cannot be read.", where=str(path), found=f"{type(error).__name__}: {error}"[:120]
        ) from None
    if not isinstance(value, dict):
        raise ModelError(f"{name} holds no object.", where=str(path), found=type(value).__name__)
    return value


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold the weights: one, or those that the index names. Raises ModelError."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        others = [
            p.name for p in folder.iterdir() if p.suffix in (".bin", ".pt", ".pth", ".ckpt", ".h5", ".safetensors")
        ]
        raise ModelError(
            "no safetensors weights.",
            where=str(folder),
            expected=WEIGHTS,
            found=", ".join(sorted(others)[:8]) or "none",
            next_move="convert pickled weights on a machine you trust; bertune reads no pickle",
        )
    named = read_object(folder, INDEX).get("weight_map")
    names = (
        set(named.values()) if isinstance(named, dict) and all(isinstance(v, str) for v in named.values()) else set()
    )
    for name in sorted(names):
        if not _is_plain(name) or not name.endswith(".safetensors") or not (folder / name).is_file():
            raise ModelError(
                "the index names weights that are no file of the folder.",
                where=str(folder / INDEX),
                expected="names such as model-00001-of-00002.safetensors",
                found=repr(name[:120]),
            )
    if not names:
        raise ModelError("the index names no weights.", where=str(folder / INDEX))
    return [folder / name for name in sorted(names)]


def _is_plain(name: str) -> bool:
    """Whether a name is that of a file in this folder under the rules of every system: no `..`, drive or server."""
    return bool(name) and not any(c in name for c in "/\\:\0") and name not in (".", "..")


def code_named(folder: Path) -> list[str]:
    """What in a model's folder asks for code to be run, in words; bertune runs none of it."""
    found = [f"the file {path.name}" for path in sorted(folder.glob("*.py"))]
    for name in ("config.json", "tokenizer_config.json"):
        if (folder / name).is_file():
            raw = read_object(folder, name)
            found += [f"{key} in {name}" for key in sorted(set(_code_keys(raw)))]
    return found


def _code_keys(raw: dict[str, Any]) -> Iterator[str]:
    held: list[Any] = [raw]
    while held:
        value = held.pop()
        if isinstance(value, dict):
            for key in CODE_KEYS:
                harmless = key.endswith(("_implementation", "_internal")) and value.get(key) in PLAIN_ATTENTION
                if key in value and not harmless:
                    yield key
        if isinstance(value, (dict, list)):
            held.extend(value.values() if isinstance(value, dict) else value)


def _too_large(path: Path, most: int) -> ModelError:
    return ModelError(
        "the file is larger than such a file may be.",
        where=str(path),
        expected=f"at most {most:,} bytes",
        found=f"{path.stat().st_size:,} bytes",
    )
