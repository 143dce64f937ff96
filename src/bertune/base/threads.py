"""Work for which several processors are there: the same results in the same order, whatever their number."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from bertune.base import processes

Item = TypeVar("Item")
Result = TypeVar("Result")


def available() -> int:
    """Processors that this process may use, counted as physical cores where known; shared by those of one run."""
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    physical = psutil.cpu_count(logical=False) or allowed
    return max(1, min(allowed, physical) // processes.on_this_machine()[1])


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """What `work` gives for each item, in the order of the items; `threads` items are worked on at once.

    For work that leaves the interpreter's lock. Items are taken, and results kept, for at most one more than there are
    threads. What an item raises is raised in its turn; then, and when nobody asks for more, nothing goes on working.
    """
    if threads == 1:
        yield from map(work, items)
        return
    left = iter(items)
    with ThreadPoolExecutor(threads, thread_name_prefix="bertune") as pool:
        waiting: deque[Future[Result]] = deque(pool.submit(work, item) for item in islice(left, threads))
        try:
            while waiting:
                waiting.extend(pool.submit(work, item) for item in islice(left, 1))
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
