"""Rows of the same tokens are answered once."""

import numpy as np
import workbench
from hypothesis import given
from hypothesis import strategies as st

from bertune.data.store import in_memory
from bertune.data.tokenizer import Encoded
from bertune.evaluate.predict import predict

TEXTS = st.lists(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=3), min_size=1, max_size=3), min_size=1)


def store_of(rows):
    """A store of rows that own some texts each, given as token ids."""
    texts = [text for row in rows for text in row]
    ids = np.array([token for text in texts for token in text], np.int64)
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    encoded = Encoded(ids, None, np.array([len(text) for text in texts]), owner)
    return in_memory([encoded], np.zeros(len(rows), np.int64))


@given(rows=TEXTS)
def test_each_row_is_told_the_first_like_it(rows):
    assert store_of(rows).firsts().tolist() == [rows.index(row) for row in rows]
    assert store_of(rows).firsts(2).tolist() == [rows.index(row) for row in rows[:2]]


def test_rows_that_differ_in_kinds_of_tokens_alone_differ():
    store = store_of([[[1, 1]], [[1, 1]]])
    assert store.firsts().tolist() == [0, 0]
    marked = store.__class__(**{**vars(store), "beside": {"place": np.array([0, 1, 1, 0], np.int32)}})
    assert marked.firsts().tolist() == [0, 1]


def test_repeated_rows_get_the_same_answer_and_are_computed_once(tiny, sentences_csv):
    made = workbench.bench(tiny(), sentences_csv)
    rows = np.array([0, 1, 0, 2, 1, 0])
    store, seen = made.stores.train.take(rows), []
    plain = made.model.answers
    made.model.answers = lambda batch: (seen.extend(batch.rows.tolist()), plain(batch))[1]
    found = predict(made.model, store, batch_size=2, max_tokens=2**20).values
    assert sorted(seen) == [0, 1, 3]
    expected = predict(made.model, made.stores.train.take(np.array([0, 1, 2])), batch_size=3, max_tokens=2**20).values
    np.testing.assert_allclose(found, expected[rows], atol=1e-5)
