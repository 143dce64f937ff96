"""Texts in memory or on disk read the same as the list they came from."""

import gc
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bertune.data import _spool, texts
from bertune.data.texts import held

ANY = st.lists(st.none() | st.text(max_size=8), max_size=30)


@pytest.fixture(params=[_spool.MEMORY_BYTES, 0], ids=["memory", "disk"], autouse=True)
def place(request, monkeypatch):
    """Kept in memory, and all on disk; batches of three rows."""
    monkeypatch.setattr(_spool, "MEMORY_BYTES", request.param)
    monkeypatch.setattr(texts, "BATCH_ROWS", 3)


@given(ANY)
@settings(deadline=None)
def test_as_the_list(rows):
    kept = held(iter(rows))
    assert len(kept) == len(rows)
    assert list(kept) == rows
    assert [kept[i] for i in range(-len(rows), len(rows))] == rows + rows


@given(ANY, st.data())
@settings(deadline=None)
def test_slices_and_takes(rows, data):
    at = data.draw(st.slices(len(rows)))
    kept = held(rows)
    assert list(kept[at]) == rows[at]
    positions = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9)) if rows else []
    taken = kept.take(np.array(positions, dtype=np.int64))
    assert list(taken) == [rows[i] for i in positions]
    assert list(taken[1:4]) == [rows[i] for i in positions][1:4]


def test_out_of_range():
    for kept in (held(["a"]), held(["a", "b"]).take(np.array([1]))):
        with pytest.raises(IndexError):
            kept[1]
        with pytest.raises(IndexError):
            kept[-2]


def test_many_texts_do_not_lie_in_memory(monkeypatch):
    monkeypatch.setattr(_spool, "MEMORY_BYTES", 100_000)
    monkeypatch.setattr(texts, "BATCH_ROWS", 1000)
    gc.collect()
    tracemalloc.start()
    kept = held("x" * 1000 + str(i) for i in range(20_000))  # 20 MB
    positions = np.arange(0, 20_000, 2)
    assert sum(len(text or "") for text in kept.take(positions)) > 10_000_000
    held_bytes, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held_bytes < 500_000 and peak < 8_000_000
