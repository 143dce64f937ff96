"""How many processor threads a run computes with: what it may use, and of that the number that is fastest."""

import os
import time
from functools import cache
from pathlib import Path

import psutil
import torch

from bertune.base import processes

TOKENS, WIDE, INNER = 768, 384, 1536  # a batch of short texts in a small encoder
TRIES = 5
CLEARLY = 0.75  # fewer threads are taken only where they need less than this share of the time: a probe is noisy
CGROUP = Path("/sys/fs/cgroup")


def available_threads() -> int:
    """Processors that this process may use, counted as physical cores where known; shared by those of one run.

    A limit of its container (cgroup) and OMP_NUM_THREADS are kept to; the latter not by one of several processes, for
    which torchrun sets it to 1 unasked.
    """
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


def fastest_threads(half: bool) -> int:
    """The number of threads that a small layer is computed fastest with, of all, half of them, and so on down to one.

    `half` computes it in bfloat16. Measured once in a process; one of several processes takes its share unmeasured.
    """
    most = available_threads()
    return most if processes.on_this_machine()[1] > 1 else _fastest(most, half)


@cache
def _fastest(most: int, half: bool) -> int:
    counts = [most >> i for i in range(most.bit_length())]
    if len(counts) == 1:
        return most
    before = torch.get_num_threads()
    try:
        return chosen({count: _seconds(count, half) for count in counts})
    finally:
        torch.set_num_threads(before)


def chosen(seconds: dict[int, float]) -> int:
    """The number to take, by what each took: the most, where fewer are not clearly faster."""
    most, fastest = max(seconds), min(seconds, key=lambda count: seconds[count])
    return fastest if seconds[fastest] < CLEARLY * seconds[most] else most


def _seconds(threads: int, half: bool) -> float:
    """The shortest time of TRIES in which so many threads computed a layer's products and what lies between them."""
    torch.set_num_threads(threads)
    kind = torch.bfloat16 if half else torch.float32
    up, down = torch.ones(WIDE, INNER, dtype=kind), torch.ones(INNER, WIDE, dtype=kind)
    values = torch.ones(TOKENS, WIDE, dtype=kind)
    found = []
    with torch.inference_mode():
        for _ in range(TRIES + 1):  # the first one warms up
            began = time.perf_counter()
            torch.nn.functional.gelu(values @ up) @ down
            found.append(time.perf_counter() - began)
    return min(found[1:])
