"""Lines of results that outlive a session: printed, and kept in a file that a later session goes on from."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import torch

from bertune.engine.devices import describe_machine


class Log:
    """Lines of results: printed, and kept in a file where one is given; each says when, where and of what commit."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        kept = path.read_text(encoding="utf-8").splitlines() if path is not None and path.exists() else []
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in kept]

    def find(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """The first line that holds these fields."""
        return next((line for line in self.lines if key.items() <= line.items()), None)

    def add(self, line: dict[str, Any]) -> dict[str, Any]:
        """Print a line, keep it, and give it back."""
        line = {**line, **circumstances()}
        self.lines.append(line)
        print(json.dumps(line), flush=True)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        return line


def circumstances() -> dict[str, Any]:
    """Date, commit and machine of a measurement."""
    here = Path(__file__).resolve().parent
    asked = ["git", "-C", str(here), "describe", "--always", "--dirty", "--exclude=*"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    machine = describe_machine()
    return {"date": time.strftime("%Y-%m-%d"), "commit": commit or "unknown", "torch": torch.__version__,
            "machine": f"{machine['processor']}, {machine['threads']} threads"}  # fmt: skip
