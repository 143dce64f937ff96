"""Which rows an update sees: each row once an epoch, in an order that follows from seed, epoch and data alone."""

import numpy as np
import pytest
import workbench
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_models
from bertune.base import registry
from bertune.base.settings import build
from bertune.data.batches import epoch_batches, micro_batches


def feed_with(tiny, csv, **changes):
    return workbench.bench(tiny(), csv, {k.replace("__", "."): v for k, v in changes.items()}).feed


@pytest.mark.parametrize("name", registry.names("samplers"))
@pytest.mark.parametrize("grouped", [True, False])
def test_an_epoch_shows_the_samplers_rows(tiny, sentences_csv, name, grouped):
    feed = feed_with(tiny, sentences_csv, training__sampler__name=name, training__group_by_length=grouped)
    sampler = build(registry.load("samplers", name))
    for epoch in range(3):
        batches = feed.batches(epoch)
        shown = np.sort(np.concatenate(batches))
        assert np.array_equal(shown, np.sort(sampler.rows(feed.store.targets, feed.seed, epoch)))
        assert {len(rows) for rows in batches[:-1]} <= {8, len(shown) % 8} and len(batches) == feed.steps_per_epoch
        if name == "every_row":
            assert np.array_equal(shown, np.arange(len(feed.store))), "each row exactly once"
        if name == "over_sampling":
            assert set(shown) == set(range(len(feed.store)))
        for rows in batches:
            parts = feed.portions(rows)
            assert np.array_equal(np.sort(np.concatenate([p.rows for p in parts])), np.sort(rows))


def test_portions_hold_the_texts_of_their_rows(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv, {"training.micro_batch_size": 3})
    ids = made.prepared.tokenizer.inner(list(made.prepared.texts(made.prepared.splits.train)[0]))["input_ids"]
    for batch in made.feed.portions(made.feed.batches(0)[0]):
        for place, row in enumerate(batch.rows):
            start, end = batch.starts[place], batch.starts[place + 1]
            assert batch.ids[start:end].tolist() == ids[row]
            assert int(batch.targets[place]) == made.feed.store.targets[row]


def order(feed):
    return [rows.tolist() for epoch in range(2) for rows in feed.batches(epoch)]


def test_the_order_follows_from_seed_epoch_and_data(tiny, sentences_csv, tmp_path):
    first = feed_with(tiny, sentences_csv)
    assert order(first) == order(feed_with(tiny, sentences_csv)), "the same again"
    assert order(first) == order(first), "asked twice, answered alike"
    assert first.batches(1)[0].tolist() == feed_with(tiny, sentences_csv).batches(1)[0].tolist(), "without epoch 0"
    epochs = [np.concatenate(first.batches(e)).tolist() for e in range(3)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    other = tiny_models.csv_file(tmp_path / "other.csv", seed=9)
    assert order(feed_with(tiny, other)) != order(first), "other data"


def test_another_seed_is_another_order(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv)
    again = made.feed
    before = order(again)
    from bertune.engine.feed import Feed

    other = Feed(made.stores.train, again.sampler, batch_size=8, max_tokens=4096, most_rows=None, seed=1, grouped=True)
    assert order(other) != before


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=120),
    st.integers(1, 20), st.integers(0, 5), st.booleans(), st.integers(16, 200), st.one_of(st.none(), st.integers(1, 9)),
)  # fmt: skip
def test_batches_and_portions_divide_the_rows(lengths, size, epoch, grouped, most_tokens, most_rows):
    lengths = np.array(lengths)
    rows = np.random.default_rng(epoch).permutation(len(lengths))
    batches = epoch_batches(rows, lengths, size, 3, epoch, grouped)
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert sum(len(b) != size for b in batches) <= 1, "all but one batch are full"
    for batch in batches:
        portions = list(micro_batches(batch, lengths, most_tokens, most_rows))
        assert sorted(np.concatenate(portions)) == sorted(batch)
        for portion in portions:
            assert len(portion) == 1 or len(portion) * lengths[portion].max() <= most_tokens
            assert most_rows is None or len(portion) <= most_rows


def test_grouping_saves_padding(tiny, sentences_csv):
    def padded(feed):
        return sum(len(r) * feed.store.lengths[r].max() for r in feed.batches(0))

    grouped = padded(feed_with(tiny, sentences_csv))
    assert grouped < 0.9 * padded(feed_with(tiny, sentences_csv, training__group_by_length=False))
