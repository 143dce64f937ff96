"""LoRA: the weights of the encoder's layers stay, and a product of two thin matrices beside each learns what is added.

Source: Hu et al. (2022), LoRA: Low-Rank Adaptation of Large Language Models, section 4.1; by the library peft.
"""

from typing import Any

import torch
from torch import nn

from bertune.base.errors import MissingExtra
from bertune.base.sections import ModelSection
from bertune.base.seeds import derive
from bertune.model.encoder import Model

ADAPTER = "lora"
MARK = ".lora_"  # in the names of what learns beside a weight


def adapt(model: Model, settings: ModelSection, seed: int) -> None:
    """Put a pair of thin matrices, the second one all 0, beside each linear layer of the encoder's layers.

    Raises MissingExtra where peft is not installed.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingExtra("peft", "lora", "model.train = lora") from error
    torch.manual_seed(derive(seed, "lora"))
    config = LoraConfig(
        r=settings.lora_rank, lora_alpha=settings.lora_alpha, lora_dropout=settings.lora_dropout,
        target_modules=_linear_layers(model),
    )  # fmt: skip
    inject_adapter_in_model(config, model.network, ADAPTER)


def _linear_layers(model: Model) -> list[str]:
    """Names of the linear layers within the encoder's layers."""
    inside = {id(module) for layer in model.layers() for module in layer.modules()}
    return [n for n, m in model.network.named_modules() if id(m) in inside and isinstance(m, nn.Linear)]


def merge(model: Model) -> None:
    """Add what was learnt to the weights, and leave the plain layers; a model without LoRA stays as it is."""
    for name, module in list(model.network.named_modules()):
        if hasattr(module, "lora_A"):
            merged: Any = module
            merged.merge()
            parent, _, own = name.rpartition(".")
            setattr(model.network.get_submodule(parent), own, merged.get_base_layer())
