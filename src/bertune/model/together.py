"""Several models with one encoder: what one task teaches it, the others read."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from bertune.base.errors import ModelError
from bertune.base.types import Batch, Output
from bertune.model.encoder import MORE, Model


class Together(Model):
    """A model for each task, all with the encoder of the first; a batch says whose it is (`part`).

    `network` holds the networks by number, so that each weight of the encoder is named, learnt and kept once.
    Raises ModelError where an architecture does not let its encoder be shared.
    Source: Liu et al. (2019), Multi-Task Deep Neural Networks, algorithm 1 (a batch is of one task).
    """

    def __init__(self, models: Sequence[Model]) -> None:
        first = models[0]
        _share(models)
        networks = nn.ModuleDict({str(number): model.network for number, model in enumerate(models)})
        super().__init__(networks, first.pad_id, first.head)
        self._models = tuple(models)

    def __call__(self, batch: Batch) -> Output:
        """What the loss of the batch's task judges."""
        return self._models[batch.part](batch)

    def answers(self, batch: Batch) -> Tensor:
        """The answers of the batch's task."""
        return self._models[batch.part].answers(batch)

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """All that can learn: the parameters of the networks, and as `NUMBER.more.NAME` what heads learn."""
        yield from self.network.named_parameters()
        for number, model in enumerate(self._models):
            if model.head.more is not None:
                yield from model.head.more.named_parameters(prefix=f"{number}.{MORE}")

    def to(self, device: torch.device | str) -> None:
        """Move all that computes to a device."""
        for model in self._models:
            model.to(device)

    @property
    def tasks(self) -> tuple[Model, ...]:
        """The model of each task, in the order they were given."""
        return self._models

    @property
    def base(self) -> nn.Module:
        """The encoder of the first task, whose parts all share."""
        return self._models[0].base

    def depths(self) -> dict[str, int]:
        """How far each parameter lies from its head."""
        every = enumerate(self._models)
        return {f"{number}.{name}": depth for number, model in every for name, depth in model.depths().items()}

    def new_parameters(self) -> set[str]:
        """Names of the parameters that the pretrained weights did not bring."""
        return {f"{number}.{name}" for number, model in enumerate(self._models) for name in model.new_parameters()}


def together(models: Sequence[Model]) -> Model:
    """The model itself where there is one, else all of them with one encoder."""
    return models[0] if len(models) == 1 else Together(models)


def _share(models: Sequence[Model]) -> None:
    """Put the parts of the first encoder that has them (embeddings, layers, pooler) in the place of the others'.

    The encoders stay objects of their own: one may have a pooler where another has none.
    """
    parts: dict[str, nn.Module] = {}
    for model in models:
        base = model.base
        if any(True for _ in base.parameters(recurse=False)):
            raise ModelError(
                "the encoder of this architecture cannot be shared by several tasks.", found=type(base).__name__,
                next_move="train one task after the other: bertune train --from RUN",
            )  # fmt: skip
        for name, part in list(base.named_children()):
            setattr(base, name, parts.setdefault(name, part))
