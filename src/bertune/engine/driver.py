"""Drives the loop: each event goes to every callback, their wishes go back."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

from bertune.engine.events import Event, Stopped, Wish

LISTENS = ("on_started", "on_stepped", "on_evaluated", "on_saved", "on_stopped")


class Callbacks:
    """Callbacks in the order they are asked; each is verified when it is added."""

    def __init__(self, callbacks: Sequence[Any]) -> None:
        self.listeners: list[Any] = []
        for callback in callbacks:
            self.add(callback)

    def add(self, callback: Any) -> None:
        """Add one callback. Raises TypeError for a method `on_…` that no event calls, or when it listens to nothing."""
        methods = [name for name in dir(callback) if name.startswith("on_") and callable(getattr(callback, name))]
        wrong = [name for name in methods if name not in LISTENS]
        if wrong or not methods:
            text = f"{type(callback).__name__}.{wrong[0]} is never called" if wrong else f"{callback!r} hears no event"
            raise TypeError(f"{text}; events call {', '.join(LISTENS)}")
        self.listeners.append(callback)

    def hear(self, event: Event) -> list[Wish]:
        """Tell every callback of an event and collect their wishes."""
        method = f"on_{type(event).__name__.lower()}"
        answers = [getattr(callback, method)(event) for callback in self.listeners if hasattr(callback, method)]
        wishes: list[Wish] = []
        for answer in answers:
            if answer is not None:
                wishes += answer if isinstance(answer, list) else [answer]
        return wishes

    def state(self) -> dict[str, Any]:
        """What the callbacks must remember over a resume, by class name (JSON)."""
        return {type(c).__name__: c.state() for c in self.listeners if hasattr(c, "state")}

    def restore(self, state: dict[str, Any]) -> None:
        """Give each callback back what it remembered."""
        for callback in self.listeners:
            if type(callback).__name__ in state:
                callback.restore(state[type(callback).__name__])


def drive(events: Generator[Event, Sequence[Wish], None], callbacks: Callbacks) -> Stopped:
    """Run the loop to its end; gives its last event."""
    event = next(events)
    while True:
        wishes = callbacks.hear(event)
        if isinstance(event, Stopped):
            with suppress(StopIteration):
                events.send(wishes)
            return event
        event = events.send(wishes)
