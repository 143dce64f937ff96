"""What learns: everything, the head, top layers, LoRA; by name; layer by layer as epochs pass; from fresh weights."""

from fnmatch import fnmatchcase

import torch
from torch import nn

from bertune.base.errors import ModelError
from bertune.base.sections import ModelSection
from bertune.base.seeds import derive
from bertune.model.encoder import Model
from bertune.model.lora import MARK


def freeze(model: Model, settings: ModelSection, epoch: int = 0) -> int:
    """Set which parameters learn in an epoch; returns how many numbers that are.

    Raises ModelError when a pattern fits no parameter, more layers are asked for than there are, or nothing learns.
    """
    layers = len(model.layers())
    for setting in ("top_layers", "reinitialize_top"):
        if (settings.train == "top" or setting != "top_layers") and getattr(settings, setting) > layers:
            raise ModelError(
                f"model.{setting} is larger than the model.",
                expected=f"at most {layers} layers",
                found=str(getattr(settings, setting)),
            )
    names = [name for name, _ in model.named_parameters()]
    for pattern in settings.freeze:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise ModelError(
                "a pattern of model.freeze fits no parameter.",
                where=pattern,
                expected=f"such as {names[0]}",
            )
    deepest = deepest_learning(settings, layers, epoch)
    learning = 0
    depths = model.depths()
    for name, parameter in model.named_parameters():
        learns = depths[name] <= deepest and not any(fnmatchcase(name, p) for p in settings.freeze)
        learns &= settings.train != "lora" or depths[name] == 0 or MARK in name
        parameter.requires_grad_(learns)
        learning += parameter.numel() if learns else 0
    if not learning:
        raise ModelError(
            "every parameter is frozen: nothing can learn.", next_move="loosen model.train or model.freeze"
        )
    return learning


def deepest_learning(settings: ModelSection, layers: int, epoch: int) -> int:
    """The depth down to which parameters learn (0 head alone … layers + 1 everything)."""
    limit = {"all": layers + 1, "top": settings.top_layers, "head": 0, "lora": layers}[settings.train]
    if settings.unfreeze_per_epoch:
        return min(limit, epoch * settings.unfreeze_per_epoch)
    return limit


def reinitialize(model: Model, top: int, seed: int) -> None:
    """Give the top layers fresh weights as the architecture draws them (Zhang et al. 2021, Revisiting Few-sample)."""
    if not top:
        return
    torch.manual_seed(derive(seed, "reinitialize"))
    spread = float(getattr(model.network.config, "initializer_range", 0.02))
    for layer in model.layers()[-top:]:
        for module in layer.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=spread)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif isinstance(module, nn.LayerNorm):
                module.reset_parameters()
