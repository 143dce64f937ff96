"""A run folder: where its files lie, who works in it, and its record run.json."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bertune.base.errors import BertuneError, ResumeError
from bertune.base.files import FILES


class Folder:
    """The paths of a run folder and its record."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record_path = path / "run.json"
        self.recipe = path / "recipe.toml"
        self.findings = path / "findings.json"
        self.history = path / "history.jsonl"
        self.scores = path / "scores.json"
        self.predictions = path / "predictions"
        self.checkpoints = path / "checkpoints"
        self.model = path / "model"
        self.report = path / "report.html"
        self.store = path / "store"
        self.seen = path / "seen.bin"
        self.lock = path / "lock"

    def record(self) -> dict[str, Any]:
        """What run.json holds. Raises ResumeError when the folder holds no run."""
        try:
            return dict(FILES.read_json(self.record_path))
        except FileNotFoundError:
            raise ResumeError("no run lies here.", where=str(self.path), expected="a folder with run.json") from None
        except ValueError as error:
            raise ResumeError("run.json is damaged.", where=str(self.record_path), found=str(error)) from None

    def write_record(self, **values: Any) -> dict[str, Any]:
        """Add values to run.json."""
        record = self.record() if self.record_path.exists() else {}
        record.update(values)
        FILES.write_json(self.record_path, record)
        return record

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Within, this process alone works in the folder; a lock left by a process that is gone is taken over.

        Raises BertuneError when another process works here.
        """
        FILES.make_folder(self.path)
        own = f"{os.getpid()} {psutil.Process().create_time()}"
        while True:
            try:
                descriptor = os.open(self.lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
                break
            except FileExistsError:
                holder = self._holder()
                if holder is not None:
                    raise BertuneError(
                        "another process works in this run folder.", where=str(self.path), found=f"process {holder}",
                        next_move="wait for it, or give another folder with --out",
                    ) from None  # fmt: skip
                FILES.remove(self.lock)
        with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
            handle.write(own)
        try:
            yield
        finally:
            FILES.remove(self.lock)

    def _holder(self) -> int | None:
        try:
            number, started = self.lock.read_text(encoding="utf-8").split()
            process = psutil.Process(int(number))
            return int(number) if abs(process.create_time() - float(started)) < 1 else None
        except (OSError, ValueError, psutil.Error):
            return None


def fresh(data: str | None) -> Path:
    """A folder name that is not taken: runs/<name of the data>-<number>."""
    stem = re.sub(r"[^\w.-]+", "-", Path((data or "run").removeprefix("hf:")).name.split(".")[0]).strip("-") or "run"
    number = 1
    while (Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return Path("runs") / f"{stem}-{number}"
