"""An encoder with the head of a task: a plain transformers model, read safely, run on packed batches."""

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bertune.base import registry
from bertune.base.errors import ModelError
from bertune.base.model_files import check_folder
from bertune.base.seeds import derive
from bertune.base.settings import build
from bertune.base.types import Batch, Output
from bertune.model import beside
from bertune.model.config import check_size, check_weights, read_config
from bertune.model.heads._head import Head
from bertune.model.real_tokens import as_the_head_reads
from bertune.model.trust import quickened, trust

MORE = "more"  # begins the names of what a head learns beside the network
os.environ.setdefault("USE_HUB_KERNELS", "0")  # no compiled code from the hub


class Model:
    """A network that answers packed batches. `network` is the ordinary transformers model, `head` how it is asked."""

    def __init__(self, network: Any, pad_id: int, head: Head) -> None:
        self.network, self.pad_id, self.head = network, pad_id, head

    def __call__(self, batch: Batch) -> Output:
        """What a loss judges: logits in float32 beside the targets of the batch."""
        return Output(self.head.judged(self.answers(batch), batch), self.head.targets(batch))

    def answers(self, batch: Batch) -> Tensor:
        """What is answered: values[items, numbers] in float32, an item being a row, text or token (`head.level`)."""
        with as_the_head_reads(self.base):
            return self.head.answers(self.network, batch, self.pad_id)

    def named_parameters(self) -> Iterator[tuple[str, nn.Parameter]]:
        """All that can learn: the parameters of the network, and as `more.NAME` what the head learns beside it."""
        yield from self.network.named_parameters()
        if self.head.more is not None:
            yield from self.head.more.named_parameters(prefix=MORE)

    def to(self, device: torch.device | str) -> None:
        """Move all that computes to a device, and find out how its encoder may compute there."""
        self.network.to(device)
        if torch.device(device).type != "cpu":  # that was asked when the model was loaded
            trust(self.network, torch.device(device), self.pad_id)
        if self.head.more is not None:
            self.head.more.to(device)

    @property
    def base(self) -> nn.Module:
        """The encoder without the task's head."""
        return self.network.base_model  # type: ignore[no-any-return]

    @property
    def tasks(self) -> tuple["Model", ...]:
        """The model of each task that is learnt: itself alone."""
        return (self,)

    @property
    def parameters_count(self) -> int:
        """Number of parameters."""
        return sum(p.numel() for p in self.network.parameters())

    def layers(self) -> list[nn.Module]:
        """The encoder's layers from the bottom up (the longest list of like modules; one shared layer in ALBERT)."""
        lists = [list(m) for m in self.base.modules() if isinstance(m, nn.ModuleList)]
        alike = [members for members in lists if len({type(member) for member in members}) == 1]
        return max(alike, key=len) if alike else []

    def depths(self) -> dict[str, int]:
        """How far each parameter lies from the head: 0 head, 1 top layer, …, layers + 1 embeddings."""
        layers = self.layers()
        of_layer = {id(p): len(layers) - i for i, layer in enumerate(layers) for p in layer.parameters()}
        inside = {id(p) for p in self.base.parameters()}
        pooler = getattr(self.base, "pooler", None)
        unread = self.base is self.network  # no head stands above the pooler
        head = {id(p) for p in pooler.parameters()} if pooler is not None and not unread else set()
        depths = {}
        for name, p in self.named_parameters():
            default = 0 if id(p) not in inside or id(p) in head else len(layers) + 1
            depths[name] = of_layer.get(id(p), default)
        return depths

    def new_parameters(self) -> set[str]:
        """Names of the parameters that the pretrained weights did not bring."""
        return set(getattr(self.network, "bertune_new", ()))


@contextmanager
def quietly() -> Iterator[None]:
    """Within, transformers shows neither bars nor notes: what matters of them bertune says itself."""
    from transformers.utils import logging as notes

    logger, bars = logging.getLogger("transformers"), notes.is_progress_bar_enabled()
    level = logger.level
    logger.setLevel(logging.ERROR)
    notes.disable_progress_bar()
    try:
        yield
    finally:
        logger.setLevel(level)
        if bars:
            notes.enable_progress_bar()


def head_of(name: str, settings: Mapping[str, Any]) -> Head:
    """A part of the door `heads` with its settings."""
    head: Head = build(registry.load("heads", name), values=dict(settings))
    return head


def load(
    folder: Path,
    head: str | Head,
    classes: tuple[str, ...],
    pad_id: int,
    seed: int = 0,
    config: dict[str, Any] | None = None,
    vocabulary: int = 0,
    fresh: bool = False,
) -> Model:
    """A model from a folder with a fresh head (or the saved one when it fits), its new weights drawn from `seed`.

    What the head learns beside the network is taken from the folder too, where it fits. `head` is a part of the door
    `heads`, or its name; with `fresh` a saved head is not taken. Reads safetensors only and runs no code of the folder.
    `config` holds settings that differ from the saved ones; those that the architecture does not know are refused.
    Where the table of embeddings has fewer rows than `vocabulary`, it grows. Raises ModelError.
    """
    import transformers

    _keep_kernels()
    check_folder(folder)
    asked = head if isinstance(head, Head) else head_of(head, {})
    kind = getattr(transformers, asked.network)
    with quietly():
        settings = _config(folder, asked.outputs(classes), dict(config or {}))
        check_size(settings, kind, check_weights(folder), folder)
    torch.manual_seed(derive(seed, "new weights"))
    try:
        with quietly():
            network, info = kind.from_pretrained(
                str(folder),
                config=settings,
                trust_remote_code=False,
                use_safetensors=True,
                attn_implementation=_attention(settings),
                dtype=torch.float32,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
            if network.get_input_embeddings().weight.shape[0] < vocabulary:
                network.resize_token_embeddings(vocabulary, mean_resizing=False)
    except Exception as error:
        raise ModelError(
            "the model cannot be read.",
            where=str(folder),
            expected="an encoder saved as safetensors",
            found=f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}",
            next_move="bertune models lists what is at hand",
        ) from error
    new = set(info["missing_keys"]) | {str(entry[0]) for entry in info["mismatched_keys"]}
    if fresh:
        new |= _renewed(network, kind, settings, folder)
    torch.manual_seed(derive(seed, "more weights"))
    asked.more = asked.learns(network)
    if asked.more is not None and (fresh or not beside.read(asked.more, folder)):
        new |= {name for name, _ in asked.more.named_parameters(prefix=MORE)}
    network.bertune_new = frozenset(new)
    return Model(quickened(network, asked, pad_id), pad_id, asked)


def _keep_kernels() -> None:
    """oneDNN keeps a kernel, with its memory, for each shape it has met: by default 1,024, in a long run gigabytes.

    Of the shapes of `real_tokens.evened` 512 are enough; to make one takes milliseconds where the processor has AMX.
    It reads this when the first one is made.
    """
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "512")


def _renewed(network: Any, kind: Any, settings: Any, folder: Path) -> set[str]:
    """The names of the weights outside of the encoder, which are drawn anew as the architecture draws them."""
    inside = {id(p) for p in network.base_model.parameters()}
    names = {name for name, p in network.named_parameters() if id(p) not in inside}
    if not names:
        raise ModelError("this architecture keeps encoder and head in one.", where=str(folder),
                         expected="an encoder with a head of its own")  # fmt: skip
    with quietly():
        drawn = dict(kind.from_config(settings).named_parameters())
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name in names:
                parameter.copy_(drawn[name])
    return names


def _config(folder: Path, outputs: Sequence[str] | int, changes: dict[str, Any]) -> Any:
    config = read_config(folder)
    if isinstance(outputs, int):
        config.num_labels = outputs
    else:
        config.num_labels = len(outputs)
        config.id2label = dict(enumerate(outputs))
        config.label2id = {name: i for i, name in enumerate(outputs)}
    if "problem_type" in changes:
        config.problem_type = changes.pop("problem_type")
    for name, value in changes.items():
        target = _setting_name(config, name)
        if target is None:
            raise ModelError(f"this architecture has no setting {name}.", where=f"{folder} ({config.model_type})")
        setattr(config, target, value)
    return config


# what the same setting is called in the configurations of transformers
NAMES = {
    "dropout": ("hidden_dropout_prob", "hidden_dropout", "dropout", "mlp_dropout"),
    "attention_dropout": ("attention_probs_dropout_prob", "attention_dropout"),
    "head_dropout": ("classifier_dropout", "seq_classif_dropout", "classifier_dropout_prob"),
}


def _setting_name(config: Any, name: str) -> str | None:
    return next((option for option in NAMES.get(name, (name,)) if hasattr(config, option)), None)


def _attention(config: Any) -> str:
    """SDPA on a GPU where the architecture has it, else plain attention; never what the folder's config asks for.

    On processors plain attention trains about a tenth faster: with attention dropout SDPA takes its slow path there.
    """
    from transformers import MODEL_MAPPING

    if not torch.cuda.is_available():
        return "eager"
    network = MODEL_MAPPING.get(type(config), None)
    network = network[0] if isinstance(network, (tuple, list)) else network
    return "sdpa" if getattr(network, "_supports_sdpa", False) else "eager"
