"""Encoders that compute real tokens alone, for the architectures that are known here.

An encoder of transformers computes a rectangle: all texts of a batch, filled up to the longest. Here the layers get the
tokens of all texts in one row, each text attends for itself, and where the head reads the first token only, the last
layer computes that one alone. Weights, heads and what is saved stay those of transformers; only the forward of the
encoder is another. Where both do not answer the same (`model/trust.py` asks), the encoder keeps its own.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm, pad
from torch.utils.checkpoint import checkpoint

from bertune.base.errors import ModelError
from bertune.model.copied_weights import linear
from bertune.model.device_attention import Bounded, Rectangle, Way
from bertune.model.dropout import dropped
from bertune.model.grouped_attention import Grouped
from bertune.model.packing import moved, places_of, sizes_of, taken

EVEN = 32  # tokens are filled up to a multiple: kernels for odd numbers are slow
STEPS = 8  # and to one of so many numbers between a power of two and its double: a kernel is made for each
_first_only: ContextVar[bool] = ContextVar("first_only", default=False)
PLAIN = ("return_dict", True)  # what transformers' heads ask for beside their texts


@dataclass(frozen=True, eq=False)
class Layer:
    """The parts of a layer whose norms follow the sums, as in Vaswani et al. (2017)."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    mixed: nn.Linear
    norm: nn.LayerNorm
    up: nn.Linear
    down: nn.Linear
    last_norm: nn.LayerNorm
    activation: Callable[[Tensor], Tensor]
    heads: int
    drops: tuple[nn.Dropout | None, nn.Dropout | None, nn.Dropout | None]  # of attention, what it mixes, the last sum


def _like_bert(layer: Any) -> Layer:
    attention, own = layer.attention.self, layer.attention.output
    return Layer(
        attention.query, attention.key, attention.value, own.dense, own.LayerNorm, layer.intermediate.dense,
        layer.output.dense, layer.output.LayerNorm, layer.intermediate.intermediate_act_fn,
        attention.num_attention_heads, (attention.dropout, own.dropout, layer.output.dropout),
    )  # fmt: skip


def _like_distilbert(layer: Any) -> Layer:
    attention, last = layer.attention, layer.ffn
    return Layer(
        attention.q_lin, attention.k_lin, attention.v_lin, attention.out_lin, layer.sa_layer_norm, last.lin1,
        last.lin2, layer.output_layer_norm, last.activation, attention.n_heads, (attention.dropout, None, last.dropout),
    )  # fmt: skip


LIKE_BERT = ("bert", "camembert", "electra", "roberta", "xlm-roberta")
KNOWN: dict[str, tuple[Callable[[Any], Sequence[Any]], Callable[[Any], Layer]]] = {
    **dict.fromkeys(LIKE_BERT, (lambda encoder: encoder.encoder.layer, _like_bert)),
    "distilbert": (lambda encoder: encoder.transformer.layer, _like_distilbert),
}


@contextmanager
def first_tokens() -> Iterator[None]:
    """Within, encoders may give the last state of each text's first token alone: nobody reads another."""
    before = _first_only.set(True)
    try:
        yield
    finally:
        _first_only.reset(before)


def as_the_head_reads(encoder: Any) -> AbstractContextManager[None]:
    """What to enter while the head of an encoder is asked: `first_tokens` where it was seen to read no other."""
    real = encoder.forward
    return first_tokens() if isinstance(real, RealTokens) and real.head_reads_first else nullcontext()


def ways(kind: str, precision: torch.dtype) -> tuple[type[Way], ...]:
    """How texts may attend on a kind of device (cpu, cuda, …) in a precision, the quickest first; nothing where it was
    never tried."""
    if kind == "cpu":
        return (Grouped,)
    if kind == "cuda":
        return (Rectangle,) if precision == torch.float32 else (Bounded, Rectangle)
    return ()


def precision_on(device: torch.device) -> torch.dtype:
    """What is computed with on a device: what autocast says, or the float32 of the weights."""
    return torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32


class RealTokens:
    """The forward of an encoder on real tokens; `head_reads_first` is whether its head reads the first token alone,
    `recomputes` whether layers are computed anew for their gradients, `trusted` which ways to attend were found to
    answer as the encoder does, on each device in each precision."""

    def __init__(self, encoder: Any) -> None:
        self.encoder, self.own = encoder, encoder.forward
        self.head_reads_first = self.recomputes = False
        self.trusted: dict[tuple[torch.device, torch.dtype], tuple[type[Way], ...]] = {}

    def __call__(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None, **more: Any,
    ) -> Any:  # fmt: skip
        """What the encoder itself gives: last_hidden_state[texts, longest, hidden] and pooler_output, if it has one."""
        asked = {name: value for name, value in more.items() if value is not None and (name, value) != PLAIN}
        way = None if input_ids is None or asked else self.way(input_ids.device)
        if input_ids is not None and way is not None:
            try:
                return self.outputs(way, input_ids, attention_mask, token_type_ids)
            except RuntimeError as error:
                if way is Grouped or "out of memory" in str(error).lower():
                    raise
                self._distrust(input_ids.device, way, error)
        given = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
        return self.own(**{name: value for name, value in given.items() if value is not None}, **more)

    def outputs(self, way: type[Way], ids: Tensor, mask: Tensor | None, types: Tensor | None = None) -> Any:
        """What the encoder gives for a padded form, computed on real tokens whose texts attend in one way."""
        from transformers.modeling_outputs import BaseModelOutput, BaseModelOutputWithPooling

        states = self._states(way, ids, mask, types)
        pooler = getattr(self.encoder, "pooler", None)
        if pooler is None:
            return BaseModelOutput(last_hidden_state=states)
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=pooler(states))

    def way(self, device: torch.device) -> type[Way] | None:
        """How texts are to attend; None where the encoder is to compute its padded form itself."""
        known = self.trusted.get((device, precision_on(device)), ())
        return next((way for way in known if way.drops or not self._drops_weights()), None)

    def _drops_weights(self) -> bool:
        layers, parts = KNOWN[self.encoder.config.model_type]
        drops = [parts(layer).drops[0] for layer in layers(self.encoder)]
        return bool(self.encoder.training) and any(drop is not None and drop.p > 0 for drop in drops)

    def _distrust(self, device: torch.device, way: type[Way], error: RuntimeError) -> None:
        key = (device, precision_on(device))
        self.trusted[key] = tuple(other for other in self.trusted[key] if other is not way)
        logging.getLogger(__name__).warning(
            "attention without padding failed on %s, padded batches are computed instead: %s", device, error
        )

    def _states(self, way: type[Way], ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        """last_hidden_state in float32."""
        (texts, longest), device, precision = ids.shape, ids.device, precision_on(ids.device)
        sizes, order = sizes_of(ids, mask), None
        if way.falling:
            falling = sorted(range(texts), key=lambda text: -sizes[text])
            sizes, order = [sizes[text] for text in falling], moved(torch.tensor(falling), device)
            ids, types = ids[order], None if types is None else types[order]
        embedded = self.encoder.embeddings(input_ids=ids, **({} if types is None else {"token_type_ids": types}))
        places = places_of(sizes, longest, device)
        tokens = embedded.flatten(0, 1)
        tokens = tokens if places is None else taken(tokens, places)
        if hasattr(self.encoder, "embeddings_project"):
            tokens = self.encoder.embeddings_project(tokens)
        tokens = pad(tokens, (0, 0, 0, evened(len(tokens)) - len(tokens)))
        with torch.autocast(device.type, enabled=False):
            tokens = self._through(way, tokens.to(precision), sizes)
        if _first_only.get():
            found = tokens[:, None]
        else:
            found = tokens[: sum(sizes)]
            if places is not None:
                found = tokens.new_zeros(texts * longest, tokens.shape[1]).index_copy(0, places, found)
            found = found.view(texts, longest, -1)
        return (found if order is None else torch.empty_like(found).index_copy(0, order, found)).float()

    def _through(self, way: type[Way], tokens: Tensor, sizes: Sequence[int]) -> Tensor:
        """The states of all tokens after all layers; within `first_tokens`, of each text's first one."""
        firsts = None
        if _first_only.get():
            firsts = moved(torch.tensor([0, *accumulate(sizes[:-1])]), tokens.device)
        layers, parts = KNOWN[self.encoder.config.model_type]
        every = list(layers(self.encoder))
        if not every:  # all of them have been computed before
            return tokens if firsts is None else taken(tokens, firsts)
        attend = way(sizes, len(tokens), parts(every[0]).heads, tokens.device)
        anew = self.recomputes and self.encoder.training and torch.is_grad_enabled()
        compute = partial(checkpoint, self._layer, use_reentrant=False) if anew else self._layer
        for layer in every[:-1]:
            tokens = compute(parts(layer), tokens, attend, None)
        return compute(parts(every[-1]), tokens, attend, firsts)

    def _layer(self, layer: Layer, tokens: Tensor, attend: Way, firsts: Tensor | None) -> Tensor:
        """One layer; with `firsts`, the states at those places alone."""
        training = self.encoder.training
        probabilities = [0.0 if drop is None or not training else drop.p for drop in layer.drops]
        before = tokens if firsts is None else taken(tokens, firsts)
        if firsts is None:
            mixed = attend(linear(tokens, layer.query, layer.key, layer.value), probabilities[0])
        else:
            asked, projected = linear(before, layer.query), linear(tokens, layer.key, layer.value)
            mixed = attend(projected, probabilities[0], asked)
        summed = before + dropped(linear(mixed, layer.mixed), probabilities[1], training)
        middle = _norm(summed, layer.norm)
        inner = linear(middle, layer.up, then=layer.activation)
        return _norm(middle + dropped(linear(inner, layer.down), probabilities[2], training), layer.last_norm)


def evened(tokens: int) -> int:
    """The number of tokens that is computed with where there are so many."""
    step = max(EVEN, 1 << max(0, (tokens - 1).bit_length() - STEPS.bit_length()))
    return -(-tokens // step) * step


def _norm(values: Tensor, norm: nn.LayerNorm) -> Tensor:
    weight: Tensor = norm.weight
    bias: Tensor = norm.bias
    if values.device.type != "cpu":  # only processors take values of one precision and weights of another
        weight, bias = weight.to(values.dtype), bias.to(values.dtype)
    return layer_norm(values, norm.normalized_shape, weight, bias, norm.eps)


def recompute_layers(network: Any) -> None:
    """Have the layers of an encoder keep their input alone, and be computed anew for their gradients.

    Raises ModelError where the architecture cannot. Source: Chen et al. (2016), Training Deep Nets with Sublinear
    Memory Cost, section 3.
    """
    if not network.supports_gradient_checkpointing:
        raise ModelError("this architecture keeps what its layers compute.", where="training.gradient_checkpointing",
                         found=type(network).__name__, next_move="set it to false")  # fmt: skip
    names = ("activation_checkpointing_enable", "gradient_checkpointing_enable")  # the second one in older releases
    enable = next(getattr(network, name) for name in names if hasattr(network, name))
    enable({"use_reentrant": False})
    real = network.base_model.forward
    if isinstance(real, RealTokens):
        real.recomputes = True
