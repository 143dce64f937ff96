"""The config of a model from a stranger: read without its requests for code, its numbers bounded, its size foreseen."""

import json
import math
import re
from pathlib import Path
from typing import Any

from bertune.base.errors import ModelError
from bertune.base.model_files import CODE_KEYS, read_object, weight_files

MOST_NUMBER = 10_000_000
MOST_PARTS = 1024
MOST_ITEMS = 100_000
HEADER_BYTES = 25_000_000
WEIGHT_BYTES = 64 * 2**30
NEW_PARAMETERS = 100_000_000
# Requests for code, for other files, and for what bertune decides itself.
DROPPED = (*CODE_KEYS, "quantization_config", "compression_config", "transformers_weights", "use_kernels", "dtype",
           "torch_dtype", "gguf_file", "base_model_tp_plan", "base_model_pp_plan", "trust_remote_code", "_commit_hash",
           "code_revision", "_name_or_path", "name_or_path")  # fmt: skip
# How many modules there are, unlike how wide they are, takes time before any shape is known.
_PARTS = re.compile(r"(layer|expert|group|block|head|stage|depth)s?$|^(num|n)_\w*(layer|expert|group|block|head)")
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1,
          "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1}  # fmt: skip


def read_config(folder: Path) -> Any:
    """The config of an architecture that transformers itself knows. Raises ModelError."""
    from transformers import CONFIG_MAPPING

    raw = _without_code(read_object(folder, "config.json"))
    kind = raw.get("model_type")
    if not isinstance(kind, str) or kind not in CONFIG_MAPPING:
        raise ModelError(
            "the model's config.json cannot be used.",
            where=str(folder),
            expected="an architecture that transformers itself knows (bertune runs no code from a model's folder)",
            found=f"model_type {str(kind)[:80]!r}",
        )
    _check_numbers(raw, folder)
    try:
        return CONFIG_MAPPING[kind].from_dict(raw)
    except Exception as error:
        raise ModelError(
            "the model's config.json cannot be used.",
            where=str(folder),
            expected=f"the settings of {kind}",
            found=f"{type(error).__name__}: {str(error)[:200]}",
        ) from error


def _without_code(value: Any, depth: int = 0) -> Any:
    """The same JSON without the keys that ask for code, at any depth."""
    if depth > 20:
        return None
    if isinstance(value, dict):
        kept = {key: part for key, part in value.items() if key not in DROPPED and not key.startswith("__")}
        return {key: _without_code(part, depth + 1) for key, part in kept.items()}
    return [_without_code(part, depth + 1) for part in value] if isinstance(value, list) else value


def _check_numbers(raw: dict[str, Any], folder: Path) -> None:
    held: list[tuple[str, Any]] = list(raw.items())
    while held:
        key, value = held.pop()
        if isinstance(value, (dict, list)):
            if key in ("id2label", "label2id"):
                continue  # replaced by the labels of the data
            if len(value) > MOST_ITEMS:
                raise _beyond(folder, key, f"{len(value):,} entries", f"at most {MOST_ITEMS:,}")
            held.extend(value.items() if isinstance(value, dict) else ((key, part) for part in value))
        elif isinstance(value, int) and not isinstance(value, bool):
            most = MOST_PARTS if _PARTS.search(key) else MOST_NUMBER
            if abs(value) > most:
                raise _beyond(folder, key, _number(value), f"at most {most:,}")


def _number(value: int) -> str:
    return f"{value:,}" if abs(value) < 10**20 else "a number of more than 20 digits"


def _beyond(folder: Path, key: str, found: str, expected: str) -> ModelError:
    message = f"{key[:80]} in config.json is beyond any encoder."
    return ModelError(message, where=str(folder), expected=expected, found=found)


def check_weights(folder: Path) -> int:
    """How many numbers the weights hold, by their headers. Raises ModelError where one claims what is not there."""
    files = weight_files(folder)
    if sum(file.stat().st_size for file in files) > WEIGHT_BYTES:
        raise ModelError("the weights are larger than any encoder.", where=str(folder), expected="at most 64 GB")
    return sum(_numbers_in(file) for file in files)


def _numbers_in(file: Path) -> int:
    """Source: the format description of safetensors (8-byte header length, JSON header, data)."""
    size = file.stat().st_size
    with open(file, "rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if size < 8 or length > min(size - 8, HEADER_BYTES):
            raise _damaged(file, f"a header of {length:,} bytes in a file of {size:,}")
        text = handle.read(length)
    try:
        header = json.loads(text)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        return sum(_numbers_of(file, name, entry, size - 8 - length) for name, entry in tensors.items())
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(file, f"{type(error).__name__} in the header") from None


def _numbers_of(file: Path, name: str, entry: dict[str, Any], room: int) -> int:
    shape, (start, end) = entry["shape"], entry["data_offsets"]
    if not all(isinstance(n, int) and 0 <= n <= 2**40 for n in (*shape, start, end)) or len(shape) > 16:
        raise _damaged(file, f"the tensor {name[:80]!r} has no shape")
    count = int(math.prod(shape))
    if not start <= end <= room or count * _SIZES[entry["dtype"]] != end - start:
        raise _damaged(
            file, f"the tensor {name[:80]!r} claims {_number(count)} numbers in {_number(end - start)} bytes"
        )
    return count


def _damaged(file: Path, found: str) -> ModelError:
    return ModelError("the weights cannot be read.", where=str(file), expected="a whole safetensors file", found=found,
                      next_move="copy the model again and compare the sizes")  # fmt: skip


def check_size(config: Any, model_class: Any, stored: int, folder: Path) -> None:
    """Refuses a config that describes far more parameters than the weights hold, before room is made for them.

    The network is built without memory (on torch's meta device). Raises ModelError.
    """
    import torch

    try:
        with torch.device("meta"):
            network = model_class.from_config(config, attn_implementation="eager")
    except Exception as error:
        raise ModelError(
            "no model can be built from config.json.",
            where=str(folder),
            expected="an encoder that transformers knows",
            found=f"{type(error).__name__}: {str(error)[:200]}",
            next_move="bertune models lists what is at hand",
        ) from error
    described = sum(p.numel() for p in network.parameters())
    if described - stored > NEW_PARAMETERS:
        raise ModelError(
            "config.json describes another model than the weights.",
            where=str(folder),
            expected=f"about the {stored:,} parameters that the weights hold",
            found=f"{described:,} parameters",
            next_move="copy the model again, config.json and weights from the same place",
        )
