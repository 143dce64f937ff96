"""Batches of several tasks in turn: how many of each, which rows, and the same ones after a resume."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
import workbench
from hypothesis import example, given
from hypothesis import strategies as st
from torch import nn

import tiny_models
from bertune.engine.mixed_feed import MixedFeed, shares
from bertune.model.together import Together


@given(st.lists(st.integers(1, 500), min_size=2, max_size=6), st.floats(1, 50))
@example([1, 329], 1.0)
def test_shares_add_up_and_leave_nobody_out(steps, temperature):
    found = shares(steps, temperature)
    assert sum(found) == sum(steps) and min(found) >= 1
    order = np.argsort(steps, kind="stable")
    assert all(found[a] <= found[b] + 1 for a, b in pairwise(order)), "larger tasks get no less"
    assert shares(steps, 1.0) == steps


def test_a_higher_temperature_is_more_even():
    counts = [shares([10, 90, 900], t) for t in (1.0, 2.0, 5.0, 1000.0)]
    assert counts[0] == [10, 90, 900]
    smallest = [row[0] for row in counts]
    assert smallest == sorted(smallest) and smallest[1] > 10
    assert max(counts[-1]) - min(counts[-1]) <= 2


@pytest.fixture
def feeds(tiny, tmp_path):
    """The feeds of two tasks, of 30 and 70 rows."""
    found = []
    for number, rows in enumerate((38, 88)):
        place = tmp_path / str(number)
        place.mkdir()
        data = tiny_models.csv_file(place / "rows.csv", rows)
        found.append(workbench.bench(tiny(), data, {"training.micro_batch_size": 3}).feed)
    return found


def test_at_temperature_1_each_row_is_read_once(feeds):
    mixed = MixedFeed(feeds, 1.0, seed=3)
    for epoch in range(3):
        batches = mixed.begin(epoch)
        assert len(batches) == mixed.steps_per_epoch == sum(f.steps_per_epoch for f in feeds)
        for part, feed in enumerate(feeds):
            rows = np.concatenate([batch.rows for batch in batches if batch.part == part])
            assert np.array_equal(np.sort(rows), np.arange(len(feed.store)))


def test_otherwise_each_task_goes_on_where_it_stopped(feeds):
    mixed = MixedFeed(feeds, 50.0, seed=3)
    assert mixed.counts[0] > feeds[0].steps_per_epoch and mixed.counts[1] < feeds[1].steps_per_epoch
    for part, feed in enumerate(feeds):
        shown = [b.rows for epoch in range(4) for b in mixed.batches(epoch) if b.part == part]
        own = [rows for epoch in range(20) for rows in feed.batches(epoch)][: len(shown)]
        assert all(np.array_equal(one, other) for one, other in zip(shown, own, strict=True))


def test_an_epoch_is_the_same_whenever_it_is_asked_for(feeds):
    one, other = MixedFeed(feeds, 2.0, seed=3), MixedFeed(feeds, 2.0, seed=3)
    other.batches(0)
    again = [(b.part, b.rows.tolist()) for b in other.batches(2)]
    assert [(b.part, b.rows.tolist()) for b in one.batches(2)] == again
    assert [b.part for b in MixedFeed(feeds, 2.0, seed=4).batches(2)] != [part for part, _ in again]


def test_portions_say_whose_they_are_and_shrink_together(feeds):
    mixed = MixedFeed(feeds, 1.0, seed=0)
    batch = next(b for b in mixed.begin(0) if b.part == 1)
    assert {portion.part for portion in mixed.portions(batch)} == {1}
    assert mixed.tokens_in(batch) == feeds[1].tokens_in(batch.rows)
    assert mixed.most_rows == 3
    mixed.most_rows = 1
    assert [len(portion.rows) for portion in mixed.portions(batch)] == [1] * len(batch)
    assert feeds[0].most_rows == 1


def models(tiny, tmp_path, count=2):
    found = []
    for number in range(count):
        place = tmp_path / str(number)
        place.mkdir()
        found.append(workbench.bench(tiny(), tiny_models.csv_file(place / "rows.csv", 30)))
    return found


def test_one_encoder_and_a_head_for_each(tiny, tmp_path):
    one, two = models(tiny, tmp_path)
    both = Together([one.model, two.model])
    names = Counter(name.split(".")[0] for name, _ in both.network.named_parameters())
    head = sum(1 for name, _ in two.model.network.named_parameters() if not name.startswith("bert."))
    assert names["1"] == head > 0, "of the second network only the head is its own"
    assert set(dict(both.network.named_parameters())) <= set(both.depths())
    assert both.new_parameters() == {f"{n}.classifier.{k}" for n in (0, 1) for k in ("weight", "bias")}


def test_a_batch_moves_the_encoder_of_all_and_its_own_head(tiny, tmp_path):
    one, two = models(tiny, tmp_path)
    both = Together([one.model, two.model])
    both.network.eval()
    batch = one.feed.portions(one.feed.begin(0)[0])[0]
    before = two.model(batch).logits.detach()
    one.model(batch).logits.sum().backward()
    assert all(p.grad is None for n, p in both.network.named_parameters() if n.startswith("1."))
    with torch.no_grad():
        for parameter in both.network.parameters():
            if parameter.grad is not None:
                parameter -= 0.1 * parameter.grad
    assert not torch.equal(before, two.model(batch).logits), "the second task answers with what the first has taught"


def test_an_encoder_with_weights_beside_its_parts_is_refused(tiny, tmp_path):
    from bertune.base.errors import ModelError

    one, two = models(tiny, tmp_path)
    one.model.base.loose = nn.Parameter(torch.zeros(1))
    with pytest.raises(ModelError, match="cannot be shared"):
        Together([one.model, two.model])
