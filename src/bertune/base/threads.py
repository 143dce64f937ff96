"""Work for which several processors are there: the same results in the same order, whatever their number."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

from bertune.base import processes

CGROUP = Path("/sys/fs/cgroup")
Item = TypeVar("Item")
Result = TypeVar("Result")


def available() -> int:
    """Processors that this process may use, counted as physical cores where known; shared by those of one run.

    A limit of its container (cgroup) and OMP_NUM_THREADS are kept to; the latter not by one of several processes, for
    which torchrun sets it to 1 unasked.
    """
    import psutil

    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    limits = [allowed, psutil.cpu_count(logical=False) or allowed, quota() or allowed]
    count = processes.on_this_machine()[1]
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if count == 1 and asked.isdigit() and int(asked) > 0:
        limits.append(int(asked))
    return max(1, min(limits) // count)


def quota(folder: Path = CGROUP) -> int | None:
    """Whole processors that a container may use on average, rounded up; None where nothing limits it."""
    try:
        if (file := folder / "cpu.max").is_file():
            limit, period = file.read_text(encoding="ascii").split()[:2]
        else:
            limit = (folder / "cpu" / "cpu.cfs_quota_us").read_text(encoding="ascii")
            period = (folder / "cpu" / "cpu.cfs_period_us").read_text(encoding="ascii")
        return max(1, -(-int(limit) // int(period))) if int(limit) > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


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
