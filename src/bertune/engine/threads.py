"""How many processor threads a run computes with: of those that it may use, the number that is fastest."""

import time
from functools import cache

import torch

from bertune.base import processes, threads

TOKENS, WIDE, INNER = 768, 384, 1536  # a batch of short texts in a small encoder
TRIES = 5
CLEARLY = 0.75  # fewer threads are taken only where they need less than this share of the time: a probe is noisy


def fastest_threads(half: bool) -> int:
    """The number of threads that a small layer is computed fastest with, of all, half of them, and so on down to one.

    `half` computes it in bfloat16. Measured once in a process; one of several processes takes its share unmeasured.
    """
    most = threads.available()
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


def _seconds(count: int, half: bool) -> float:
    """The shortest time of TRIES in which so many threads computed a layer's products and what lies between them."""
    torch.set_num_threads(count)
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
