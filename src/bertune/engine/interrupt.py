"""Ctrl-C and SIGTERM: the first asks for an orderly end, a second Ctrl-C ends at once."""

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = tuple(s for s in (signal.SIGINT, signal.SIGTERM) if s is not None)


class Interrupted(BaseException):
    """A signal asked for the end; `number` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Watch:
    """While entered, signals are noted in `caught`; outside of `patient` phases they raise Interrupted at once."""

    def __init__(self) -> None:
        self.caught: int | None = None
        self.patient = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Watch":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        again = self.caught is not None and number == signal.SIGINT
        self.caught = number
        if not self.patient or again:
            raise Interrupted(number)

    def poll(self) -> None:
        """Raise Interrupted when a signal came: called where a phase may be left safely."""
        if self.caught is not None:
            raise Interrupted(self.caught)
