"""What a head learns beside the network of transformers, at rest: safetensors beside the plain model."""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from bertune.base.errors import ModelError
from bertune.base.files import FILES

FILE = "bertune.safetensors"


def write(more: nn.Module | None, folder: Path) -> None:
    """Write what is learnt beside the network into a model's folder; nothing where there is nothing."""
    if more is not None:
        tensors = {name: p.detach().cpu().contiguous() for name, p in more.named_parameters()}
        FILES.write(folder / FILE, [save(tensors)])


def read(more: nn.Module, folder: Path) -> bool:
    """Give `more` the values of a model's folder; False, and no change, where there are none or they do not fit.

    Shapes are compared before anything is read. Raises ModelError for a file that is damaged.
    """
    own = dict(more.named_parameters())
    if not (folder / FILE).is_file():
        return False
    try:
        with safe_open(folder / FILE, framework="pt") as file:
            found = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
            if found != {name: tuple(p.shape) for name, p in own.items()}:
                return False
            with torch.no_grad():
                for name, parameter in own.items():
                    parameter.copy_(file.get_tensor(name))
    except (SafetensorError, OSError) as error:
        raise ModelError(
            "what the model learnt beside its network cannot be read.", where=str(folder / FILE),
            expected="a whole safetensors file", found=f"{type(error).__name__}: {error}"[:200],
            next_move="copy the model again and compare the sizes",
        ) from None  # fmt: skip
    return True
