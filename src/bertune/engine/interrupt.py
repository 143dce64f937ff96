"""Ctrl-C, SIGTERM and a lost terminal: the first asks for an orderly end, a second Ctrl-C ends at once."""

import signal
import threading
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interrupted(BaseException):
    """A signal asked for the end; `number` is the signal, 0 a limit.

    `at_once` tells that it came in the middle of anything, so that nothing of the state may be kept. `run` names the
    run folder that can be resumed, where there is one.
    """

    def __init__(self, number: int, at_once: bool = False) -> None:
        super().__init__(number)
        self.number, self.at_once = number, at_once
        self.run: str | None = None


class Watch:
    """While entered, signals are noted in `caught`; outside of `patient` phases they raise Interrupted at once.

    A signal that the process was told to ignore, as nohup does with SIGHUP, stays ignored; Ctrl-C never.
    """

    def __init__(self) -> None:
        self.caught: int | None = None
        self.patient = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Watch":
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGINT:
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        again = self.caught is not None and number == signal.SIGINT
        self.caught = number
        if not self.patient or again:
            raise Interrupted(number, at_once=True)

    def poll(self) -> None:
        """Raise Interrupted when a signal came: called where a phase may be left safely."""
        if self.caught is not None:
            raise Interrupted(self.caught)
