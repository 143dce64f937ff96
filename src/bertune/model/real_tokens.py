"""Encoders that compute real tokens alone, for the architectures that are known here.

An encoder of transformers computes a rectangle: all texts of a batch, filled up to the longest. Here the layers get the
tokens of all texts in one row, texts of like length attend together, and where the head reads the first token only,
the last layer computes that one alone. Weights, heads and what is saved stay those of transformers; only the forward of
the encoder is another, and only on processors. A model in which both do not answer the same keeps its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm
from torch.utils.checkpoint import checkpoint

from bertune.base.errors import ModelError
from bertune.base.types import Batch
from bertune.model.copied_weights import linear
from bertune.model.dropout import Dropout, dropped
from bertune.model.grouped_attention import Group, attention, groups_of
from bertune.model.heads._head import Head
from bertune.model.packing import pad

TOLERANCE = 1e-4
EVEN = 32  # tokens are filled up to a multiple: kernels are made anew for each shape, and odd ones are slow
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


class RealTokens:
    """The forward of an encoder on real tokens; `head_reads_first` is whether its head reads the first token alone,
    `recomputes` whether layers are computed anew for their gradients."""

    def __init__(self, encoder: Any) -> None:
        self.encoder, self.own = encoder, encoder.forward
        self.head_reads_first = self.recomputes = False

    def __call__(
        self, input_ids: Tensor | None = None, attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None, **more: Any,
    ) -> Any:  # fmt: skip
        """What the encoder itself gives: last_hidden_state[texts, longest, hidden] and pooler_output, if it has one."""
        asked = {name: value for name, value in more.items() if value is not None and (name, value) != PLAIN}
        if input_ids is None or input_ids.device.type != "cpu" or asked:
            given = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
            return self.own(**{name: value for name, value in given.items() if value is not None}, **more)
        return self._outputs(self._states(input_ids, attention_mask, token_type_ids))

    def _outputs(self, states: Tensor) -> Any:
        from transformers.modeling_outputs import BaseModelOutput, BaseModelOutputWithPooling

        pooler = getattr(self.encoder, "pooler", None)
        if pooler is None:
            return BaseModelOutput(last_hidden_state=states)
        return BaseModelOutputWithPooling(last_hidden_state=states, pooler_output=pooler(states))

    def _states(self, ids: Tensor, mask: Tensor | None, types: Tensor | None) -> Tensor:
        """last_hidden_state in float32."""
        texts, longest = ids.shape
        sizes = torch.full((texts,), longest) if mask is None else mask.sum(dim=1)
        order = torch.argsort(sizes, descending=True, stable=True)
        real = torch.arange(longest)[None, :] < sizes[order][:, None]
        embedded = self.encoder.embeddings(
            input_ids=ids[order], **({} if types is None else {"token_type_ids": types[order]})
        )
        tokens = embedded[real] if mask is not None else embedded.flatten(0, 1)
        if hasattr(self.encoder, "embeddings_project"):
            tokens = self.encoder.embeddings_project(tokens)
        spare = -len(tokens) % EVEN
        tokens = torch.cat([tokens, tokens.new_zeros(spare, tokens.shape[1])])
        half = torch.is_autocast_enabled("cpu")
        with torch.autocast("cpu", enabled=False):
            tokens = self._through(tokens.to(torch.bfloat16 if half else tokens.dtype), sizes[order])
        if _first_only.get():
            found = tokens.new_empty(texts, 1, tokens.shape[1]).index_copy(0, order, tokens[:, None])
        else:
            whole = tokens[: int(sizes.sum())]
            padded = tokens.new_zeros(texts, longest, tokens.shape[1]).masked_scatter(real[..., None], whole)
            found = torch.empty_like(padded).index_copy(0, order, padded)
        return found.float()

    def _through(self, tokens: Tensor, sizes: Tensor) -> Tensor:
        """The states of all tokens after all layers; within `first_tokens`, of each text's first one."""
        firsts = torch.cumsum(sizes, 0) - sizes
        layers, parts = KNOWN[self.encoder.config.model_type]
        every = list(layers(self.encoder))
        if not every:  # all of them have been computed before
            return tokens[firsts] if _first_only.get() else tokens
        apart = not self.encoder.training  # in training, masks of dropout are drawn group by group
        groups = groups_of(sizes.tolist(), parts(every[0]).heads, apart)
        anew = self.recomputes and self.encoder.training and torch.is_grad_enabled()
        compute = partial(checkpoint, self._layer, use_reentrant=False) if anew else self._layer
        for number, layer in enumerate(every, 1):
            last = _first_only.get() and number == len(every)
            tokens = compute(parts(layer), tokens, groups, firsts if last else None)
        return tokens

    def _layer(self, layer: Layer, tokens: Tensor, groups: Sequence[Group], firsts: Tensor | None) -> Tensor:
        """One layer; with `firsts`, the states at those places alone."""
        training = self.encoder.training
        probabilities = [0.0 if drop is None else drop.p for drop in layer.drops]
        mixed = _attended(layer, tokens, groups, firsts, probabilities[0] if training else 0.0)
        before = tokens if firsts is None else tokens[firsts]
        summed = before + dropped(linear(mixed, layer.mixed), probabilities[1], training)
        middle = _norm(summed, layer.norm)
        inner = layer.activation(linear(middle, layer.up))
        return _norm(middle + dropped(linear(inner, layer.down), probabilities[2], training), layer.last_norm)


def _attended(layer: Layer, tokens: Tensor, groups: Sequence[Group], firsts: Tensor | None, drop: float) -> Tensor:
    """Each token's mixture of the values of its text; with `firsts`, of the tokens at those places alone."""
    if firsts is None:
        return attention(linear(tokens, layer.query, layer.key, layer.value), groups, layer.heads, drop)
    asked = linear(tokens[firsts], layer.query)
    return attention(linear(tokens, layer.key, layer.value), groups, layer.heads, drop, asked)


def _norm(values: Tensor, norm: nn.LayerNorm) -> Tensor:
    return layer_norm(values, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def quickened(network: Any, head: Head, pad_id: int) -> Any:
    """The network, its dropout drawn cheaply, its encoder computing real tokens alone where it answers the same."""
    for module in network.modules():
        if type(module) is nn.Dropout:
            module.__class__ = Dropout
    encoder, config = network.base_model, network.config
    if config.model_type not in KNOWN or getattr(config, "is_decoder", False):
        return network
    real, training = RealTokens(encoder), network.training
    network.eval()
    with torch.no_grad():
        if attempted(lambda: close(*_states(real, pad_id))):
            encoder.forward = real
            real.head_reads_first = attempted(lambda: _reads_first_only(network, head, pad_id))
    network.train(training)
    return network


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


def attempted(question: Callable[[], bool]) -> bool:
    """The answer to a question; no where an architecture or a head takes nothing of the kind."""
    try:
        return question()
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError):
        return False


def _states(real: RealTokens, pad_id: int) -> tuple[Tensor, Tensor]:
    """The states of the tokens of two texts, as the encoder has them and as they are computed here."""
    padded = pad(_sample(real.encoder, pad_id), pad_id)
    kept = padded["attention_mask"].bool()
    return real.own(**padded).last_hidden_state[kept], real(**padded).last_hidden_state[kept]


def _reads_first_only(network: Any, head: Head, pad_id: int) -> bool:
    """Whether the head answers the same when it is shown the first token of each text alone."""
    batch = _sample(network.base_model, pad_id)
    expected = head.answers(network, batch, pad_id)
    with first_tokens():
        return close(expected, head.answers(network, batch, pad_id))


def _sample(encoder: Any, pad_id: int) -> Batch:
    """Two rows, each of one text of its own length."""
    ids = torch.arange(pad_id + 1, pad_id + 11) % encoder.get_input_embeddings().num_embeddings
    return Batch(ids, torch.tensor([0, 4, 10]), torch.arange(2), torch.zeros(2, dtype=torch.long), np.arange(2))


def close(one: Tensor, other: Tensor) -> bool:
    """Whether two answers are the same, to 1e-4."""
    return one.shape == other.shape and torch.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)
