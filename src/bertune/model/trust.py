"""Whether an encoder answers on real tokens as it does by itself: asked as it is loaded, and anew on each device."""

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from bertune.base.types import Batch
from bertune.model.device_attention import Way
from bertune.model.dropout import Dropout
from bertune.model.heads._head import Head
from bertune.model.packing import packed, pad, to_device
from bertune.model.precision import PRECISIONS
from bertune.model.real_tokens import KNOWN, RealTokens, first_tokens, ways

TOLERANCE = 1e-4
LENGTHS = (130, 1, 64, 7, 65)  # of the texts a device is asked with: kernels work by 64 or 128 tokens
AS_ROUGH = 4.0  # an answer may be so many times as far from that in float32 as the encoder's own, and two roundings


def quickened(network: Any, head: Head, pad_id: int) -> Any:
    """The network, its dropout drawn cheaply, its encoder computing real tokens alone where it answers the same."""
    for module in network.modules():
        if type(module) is nn.Dropout:
            module.__class__ = Dropout
    encoder, config = network.base_model, network.config
    if config.model_type not in KNOWN or getattr(config, "is_decoder", False):
        return network
    real, training = RealTokens(encoder), network.training
    real.trusted = {(torch.device("cpu"), precision): ways("cpu", precision) for precision in PRECISIONS}
    network.eval()
    with torch.no_grad():
        if attempted(lambda: close(*_states(real, pad_id))):
            encoder.forward = real
            real.head_reads_first = attempted(lambda: _reads_first_only(network, head, pad_id))
    network.train(training)
    return network


def attempted(question: Callable[[], bool]) -> bool:
    """The answer to a question; no where an architecture or a head takes nothing of the kind."""
    try:
        return question()
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError):
        return False


def close(one: Tensor, other: Tensor) -> bool:
    """Whether two answers are the same, to 1e-4."""
    return one.shape == other.shape and torch.allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def _states(real: RealTokens, pad_id: int) -> tuple[Tensor, Tensor]:
    """The states of the tokens of two texts, as the encoder has them and as they are computed here."""
    padded = pad(_sample(real.encoder, pad_id, (4, 6)), pad_id)
    kept = padded["attention_mask"].bool()
    return real.own(**padded).last_hidden_state[kept], real(**padded).last_hidden_state[kept]


def _reads_first_only(network: Any, head: Head, pad_id: int) -> bool:
    """Whether the head answers the same when it is shown the first token of each text alone."""
    batch = _sample(network.base_model, pad_id, (4, 6))
    expected = head.answers(network, batch, pad_id)
    with first_tokens():
        return close(expected, head.answers(network, batch, pad_id))


def _sample(encoder: Any, pad_id: int, sizes: Sequence[int]) -> Batch:
    """Rows of one text each, of these sizes, whose tokens are none of them padding."""
    known, count = encoder.get_input_embeddings().num_embeddings, len(sizes)
    ids = (pad_id + 1 + torch.arange(sum(sizes)) % max(1, known - 1)) % known
    starts, rows = torch.tensor([0, *accumulate(sizes)]), np.arange(count)
    return Batch(ids, starts, torch.arange(count), torch.zeros(count, dtype=torch.long), rows)


def trust(network: Any, device: torch.device, pad_id: int) -> None:
    """Find out how texts may attend in the encoder of a network that has been moved to a device.

    For each precision `trusted` gets the ways that answer a sample as the padded encoder does, and teach what it does;
    on a device where there is none, the encoder computes padded batches.
    """
    encoder = network.base_model
    real, training = encoder.forward, network.training
    if not isinstance(real, RealTokens):
        return
    places = int(getattr(encoder.config, "max_position_embeddings", 0)) - pad_id - 1  # RoBERTa's begin after padding
    batch = to_device(_sample(encoder, pad_id, [min(length, max(1, places)) for length in LENGTHS]), device)
    network.eval()
    for precision in PRECISIONS:
        known = ways(device.type, precision)
        found = tuple(way for way in known if attempted(partial(_agrees, real, way, batch, pad_id, precision)))
        real.trusted[batch.ids.device, precision] = found
        if known and not found:
            text = "%s does not answer the same without padding in %s: padded batches are computed there"
            logging.getLogger(__name__).warning(text, device, precision)
    network.train(training)


def _agrees(real: RealTokens, way: type[Way], batch: Batch, pad_id: int, precision: torch.dtype) -> bool:
    """Whether what is computed on real tokens is as near to the encoder's own answer in float32 as its own answer in
    this precision is: states and gradients, text by text; and the first tokens' states."""
    given = pad(batch, pad_id)
    ours = partial(real.outputs, way, given["input_ids"], given.get("attention_mask"))
    theirs = partial(real.own, **given)
    exact, rough = _learnt(real, theirs, batch, torch.float32), _learnt(real, theirs, batch, precision)
    found = _learnt(real, ours, batch, precision)
    bounds = batch.starts.tolist()
    for expected, own, other in zip(exact, rough, found, strict=True):
        for start, end in pairwise(bounds):
            if not _near(expected[start:end], own[start:end], other[start:end], precision):
                return False
    firsts = batch.starts[:-1]
    with torch.no_grad(), _precisely(batch.ids.device, precision), first_tokens():
        alone = ours().last_hidden_state[:, 0]
    return _near(exact[0][firsts], rough[0][firsts], alone, precision)


def _near(exact: Tensor, rough: Tensor, found: Tensor, precision: torch.dtype) -> bool:
    least = max(TOLERANCE, 2 * torch.finfo(precision).eps) * float(exact.norm())
    return float((found - exact).norm()) <= AS_ROUGH * float((rough - exact).norm()) + least  # NaN is not


def _learnt(
    real: RealTokens, compute: Callable[[], Any], batch: Batch, precision: torch.dtype
) -> tuple[Tensor, Tensor]:
    """The states of the tokens, and what a loss of them all teaches the embeddings of each: [tokens, hidden]."""
    leaves: list[Tensor] = []

    def leaf(*given: Any) -> Tensor:
        leaves.append(given[-1].detach().requires_grad_())
        return leaves[0]

    hook = real.encoder.embeddings.register_forward_hook(leaf)
    try:
        with torch.enable_grad(), _precisely(batch.ids.device, precision):
            states = packed(compute().last_hidden_state, batch).float()
            weights = torch.sin(torch.arange(states.numel(), device=states.device).view_as(states))
            (gradient,) = torch.autograd.grad((states * weights).sum(), leaves)
    finally:
        hook.remove()
    return states.detach(), packed(gradient, batch)


def _precisely(device: torch.device, precision: torch.dtype) -> Any:
    return nullcontext() if precision == torch.float32 else torch.autocast(device.type, precision)
