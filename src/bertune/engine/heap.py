"""Memory that was freed goes back to the system: texts of many lengths leave the heap of a process full of holes."""

import ctypes
import sys
import time
from functools import cache

EVERY = 15.0  # seconds between two looks: taking pages anew costs more than giving them back


def give_back() -> None:
    """Give free pages in the middle of the heap back to the system; does nothing where the C library is not glibc."""
    if (trim := _trim()) is not None:
        trim(0)


@cache
def _trim() -> "ctypes._NamedFuncPointer | None":
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


class Heap:
    """Gives memory back now and then, while something long goes on."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def poll(self) -> None:
        """Give back what is free, if the last time is EVERY seconds ago."""
        if time.monotonic() - self._last >= EVERY:
            give_back()
            self._last = time.monotonic()
