"""Encoders on real tokens: what they give and learn is what the padded encoder of transformers gives and learns."""

import numpy as np
import pytest
import torch
import workbench
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention
from twins import HEADS, assert_alike, batch_of, learnt, model_of, padded
from workbench import STILL

import tiny_models
from bertune.evaluate.states import mean_states
from bertune.model import copied_weights, dropout, grouped_attention, real_tokens
from bertune.model.encoder import load
from bertune.model.grouped_attention import attention, groups_of

SIZES = st.lists(st.integers(1, 40), min_size=1, max_size=12).map(lambda sizes: sorted(sizes, reverse=True))


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
@pytest.mark.parametrize("sizes", [(5, 9, 2, 9), (7, 7, 7), (20,), (1, 19, 18, 17, 16, 3)])
def test_answers_and_gradients_are_those_of_the_padded_encoder(tiny, architecture, head, sizes):
    assert_alike(model_of(tiny(architecture), head), batch_of(sizes))


def test_the_comparison_sees_a_text_that_reads_another(tiny, monkeypatch):
    model, batch = model_of(tiny("bert")), batch_of((5, 5))
    theirs, _ = learnt(padded(model), batch)
    one = "bertune.model.grouped_attention.groups_of"
    monkeypatch.setattr(one, lambda sizes, heads, apart: groups_of([sum(sizes)], heads))
    model.base.forward.head_reads_first = False
    own, _ = learnt(model, batch)
    assert float((own - theirs).abs().max()) > 1e-3


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_a_classifier_reads_the_first_token_alone(tiny, architecture):
    assert model_of(tiny(architecture)).base.forward.head_reads_first
    assert not model_of(tiny(architecture), "token_classification").base.forward.head_reads_first
    assert not model_of(tiny(architecture), "sentence_embedding").base.forward.head_reads_first


@pytest.mark.parametrize("architecture", tiny_models.ARCHITECTURES)
def test_who_asks_the_encoder_itself_gets_all_tokens(tiny, sentences_csv, architecture):
    made = workbench.bench(tiny(architecture), sentences_csv, STILL)
    rows, limits = np.arange(9), {"batch_size": 4, "max_tokens": 2**12}
    assert made.model.base.forward.head_reads_first
    found = mean_states(made.model, made.stores.train, rows, **limits)
    expected = mean_states(padded(made.model), made.stores.train, rows, **limits)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with real_tokens.first_tokens():
        assert np.abs(mean_states(made.model, made.stores.train, rows, **limits) - expected).max() > 1e-3


def test_what_else_is_asked_of_an_encoder_it_answers_itself(tiny):
    model = model_of(tiny("bert"))
    given = {"input_ids": torch.tensor([[2, 9, 12, 3]])}
    found = model.base(**given, output_hidden_states=True)
    assert len(found.hidden_states) == 3 and found.last_hidden_state.shape == (1, 4, 32)


def test_half_precision_is_near_that_of_the_padded_encoder(tiny):
    model = load(tiny("bert"), "sequence_classification", ("bad", "good"), pad_id=0)
    twin, batch = padded(model.__class__(model.network.eval(), 0, model.head)), batch_of((5, 9, 2, 9))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(model.answers(batch), twin.answers(batch), rtol=0.03, atol=0.03)


def test_a_frozen_layer_gets_no_gradient(tiny):
    model = model_of(tiny("bert"))
    for parameter in [*model.base.embeddings.parameters(), *model.layers()[0].parameters()]:
        parameter.requires_grad_(False)
    _, gradients = learnt(model, batch_of((4, 6)))
    assert gradients and not any("embeddings" in name or "layer.0." in name for name in gradients)


@given(sizes=SIZES, apart=st.booleans())
def test_groups_hold_every_token_once(sizes, apart):
    groups, texts = groups_of(sizes, 3, apart), 0
    values = torch.arange(1, sum(sizes) + 1, dtype=torch.float32)[:, None]
    found = torch.zeros_like(values)
    for group in groups:
        assert group.texts.start == texts
        texts = group.texts.stop
        room = group.room(values).view(group.count, group.length)
        for place, size in enumerate(sizes[group.texts]):
            assert room[place, :size].all() and not room[place, size:].any()
        group.put(found, room.view(group.count, group.length, 1))
    assert texts == len(sizes) and torch.equal(found, values)


def test_many_texts_of_one_length_stay_among_themselves_where_that_is_asked():
    sizes = [20] * 17 + [19] * 15 + [18] * 3
    assert [group.count for group in groups_of(sizes, heads=3)] == [35]
    found = groups_of(sizes, heads=3, apart=True)
    assert [group.count for group in found] == [17, 16, 2]  # fewer than 16 take in the next ones
    assert found[0].places is None and found[1].places is not None


def test_a_group_takes_no_more_memory_than_it_may(monkeypatch):
    assert [group.count for group in groups_of([10] * 8, heads=3)] == [8]
    monkeypatch.setattr(grouped_attention, "MOST", 3 * 16**2 * 3)  # there is room for 16 tokens a text of 10
    assert [group.count for group in groups_of([10] * 8, heads=3)] == [3, 3, 2]
    assert [group.count for group in groups_of([40, 40], heads=3)] == [1, 1]
    assert [group.count for group in groups_of([16] * 8, heads=3, apart=True)] == [3, 3, 2]


@pytest.mark.parametrize(("tokens", "computed"), [
    (1, 32), (32, 32), (33, 64), (500, 512), (513, 576), (768, 768), (1025, 1152), (4096, 4096), (4097, 4608),
])  # fmt: skip
def test_tokens_are_filled_up_to_few_numbers(tokens, computed):
    assert real_tokens.evened(tokens) == computed


def test_few_kernels_do_for_batches_of_any_length():
    numbers = {real_tokens.evened(tokens) for tokens in range(1, 16_385)}
    assert len(numbers) == 16 + 5 * 8, "16 up to 512 tokens, then 8 to each double"
    assert max(real_tokens.evened(tokens) / tokens for tokens in range(512, 16_385)) <= 1.125


@given(sizes=SIZES, seed=st.integers(0, 99))
def test_attention_is_that_of_torch(sizes, seed):
    torch.manual_seed(seed)
    projected = torch.randn(sum(sizes) + 3, 3 * 12, dtype=torch.float64).float()
    found = attention(projected, groups_of(sizes, heads=3), heads=3, drop=0.0)
    start = 0
    for size in sizes:
        own = projected[start : start + size].view(size, 3, 3, 4).permute(1, 2, 0, 3)
        expected = scaled_dot_product_attention(*own).transpose(0, 1).reshape(size, 12)
        torch.testing.assert_close(found[start : start + size], expected, rtol=1e-4, atol=1e-5)
        start += size
    assert not found[start:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("probability", [0.05, 0.1, 0.5])
def test_masks_drop_the_share_that_is_asked_and_keep_the_mean(dtype, probability):
    torch.manual_seed(0)
    drawn = dropout.mask(torch.Size([1_000, 999]), probability, dtype)
    assert drawn.dtype == dtype and set(drawn.unique().tolist()) == {0.0, drawn.max().item()}
    share = float((drawn == 0).float().mean())
    assert abs(share - probability) < 5 * (probability * (1 - probability) / drawn.numel()) ** 0.5 + 1 / 2**16
    assert abs(float(drawn.float().mean()) - 1) < 0.005
    neighbours = np.corrcoef((drawn == 0).numpy()[:, 0], (drawn == 0).numpy()[:, 1])[0, 1]
    assert abs(neighbours) < 0.15


def test_masks_follow_from_the_seed():
    torch.manual_seed(3)
    one, two = (dropout.mask(torch.Size([64]), 0.5, torch.float32) for _ in range(2))
    torch.manual_seed(3)
    assert torch.equal(one, dropout.mask(torch.Size([64]), 0.5, torch.float32)) and not torch.equal(one, two)


def test_copies_of_weights_are_made_anew_when_they_may_have_changed():
    layer, values = torch.nn.Linear(4, 3), torch.ones(2, 4, dtype=torch.bfloat16)
    with copied_weights.unchanged_weights():
        before = copied_weights.linear(values, layer)
        with torch.no_grad():
            layer.weight.add_(1)
        assert torch.equal(copied_weights.linear(values, layer), before), "within, a copy is kept"
    assert not torch.equal(copied_weights.linear(values, layer), before)


def test_training_learns_in_half_precision(tiny, sentences_csv):
    made = workbench.bench(tiny("bert"), sentences_csv, {**STILL, "training.precision": "bf16", "training.epochs": 8})
    start, losses = made.weights(), made.train(96)
    assert sum(losses[-8:]) < 0.8 * sum(losses[:8])
    assert workbench.furthest(start, made.weights()) > 1e-3
