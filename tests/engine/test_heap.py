"""Freed memory goes back to the system, where the C library can."""

import sys

import numpy as np
import psutil
import pytest

from bertune.engine import heap


def _resident() -> int:
    return int(psutil.Process().memory_info().rss)


@pytest.mark.skipif(not sys.platform.startswith("linux") or heap._trim() is None, reason="needs glibc")
def test_holes_of_the_heap_are_given_back() -> None:
    pieces = [np.ones(2**13) for _ in range(4000)]  # 64 KiB each, small enough for the heap: 250 MiB
    last = pieces.pop()
    del pieces  # all but the last, which keeps the heap from shrinking at its top
    before = _resident()
    heap.give_back()
    assert _resident() < before - 150 * 2**20
    assert last[0] == 1


def test_a_heap_is_not_asked_at_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    now, given = [100.0], []
    monkeypatch.setattr(heap.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(heap, "give_back", lambda: given.append(now[0]))
    watched = heap.Heap()
    for second in range(101, 140):
        now[0] = float(second)
        watched.poll()
    assert given == [115.0, 130.0]
