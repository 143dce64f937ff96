"""How a run speaks: to people on stderr, to machines as JSON lines on stdout, or not at all."""

import json
import sys
from typing import Any, Protocol

from rich.console import Console
from rich.text import Text

from bertune.base.wording import harmless_json, visible


class Teller(Protocol):
    """Something that a run speaks to. `bar` tells the progress callback how to show itself."""

    bar: str

    def say(self, topic: str, text: str, **data: Any) -> None:
        """Tell one thing: a topic of one word, a line for people, and the same as data for machines."""
        ...

    def warn(self, text: str, **data: Any) -> None:
        """Tell something that needs care."""
        ...


class Silent:
    """Says nothing; keeps what was said in `heard`."""

    bar = "none"

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def say(self, topic: str, text: str, **data: Any) -> None:
        """Keep a line."""
        self.heard.append((topic, text))

    def warn(self, text: str, **data: Any) -> None:
        """Keep a warning."""
        self.heard.append(("warning", text))


class People:
    """Lines of a topic and a text on stderr, wrapped to the terminal's width under the text."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=False)
        self.bar = "bar" if self.console.is_terminal else "lines"
        self.last = ""

    def say(self, topic: str, text: str, **data: Any) -> None:
        """Show a line; a topic that repeats is shown once."""
        shown = "" if topic == self.last else topic
        self.last = topic
        self._lines(shown, text, "bold" if shown else "")

    def warn(self, text: str, **data: Any) -> None:
        """Show a warning under the topic that it belongs to."""
        self._lines("", f"! {text}", "yellow")

    def _lines(self, topic: str, text: str, style: str) -> None:
        width = (max(40, self.console.width) if self.console.is_terminal else 100_000) - 9
        for line in visible(text).split("\n"):
            for part in Text(line).wrap(self.console, width) if line else [Text("")]:
                head = Text(f"{topic:<8} ", style="bold" if topic else "")
                body = Text(part.plain.rstrip(), style=style if style == "yellow" else "")
                self.console.print(head + body, soft_wrap=True)
                topic = ""


class Json:
    """One JSON object a line on stdout and nothing else there."""

    bar = "json"

    def __init__(self, stream: Any = None) -> None:
        self.stream = stream or sys.stdout

    def say(self, topic: str, text: str, **data: Any) -> None:
        """Write a line."""
        self._write({"topic": topic, "text": text, **data})

    def warn(self, text: str, **data: Any) -> None:
        """Write a warning."""
        self._write({"topic": "warning", "text": text, **data})

    def _write(self, value: dict[str, Any]) -> None:
        self.stream.write(harmless_json(json.dumps(value, ensure_ascii=False, default=str)) + "\n")
        self.stream.flush()
