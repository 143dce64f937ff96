"""A run folder: where its files lie, who works in it, and its record run.json."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from bertune.base.errors import BertuneError, ResumeError
from bertune.base.files import FILES

PREPARING = "preparing"  # status of a run that has read no data yet
FORMAT = 1  # of the run folder, in run.json; where a resume would misread what an earlier release wrote it becomes 2


class Folder:
    """The paths of a run folder and its record."""

    def __init__(self, path: Path) -> None:
        self.path = self.run = path
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
        self.also = path / "also"
        self.lock = path / "lock"

    def of_seed(self, seed: int) -> "Folder":
        """Where the loop of a further seed keeps its history and checkpoints; `run` is the whole run's folder."""
        folder = Folder(self.path / "seeds" / str(seed))
        folder.run = self.run
        return folder

    def of_task(self, name: str) -> "Folder":
        """The folder of a task that is learnt together with that of the run."""
        folder = Folder(self.also / name)
        folder.run = self.path
        return folder

    def of_round(self, number: int) -> "Folder":
        """Where the loops of a student keep their histories and checkpoints, in a round of self-training."""
        folder = Folder(self.path / "rounds" / str(number))
        folder.run = self.run
        return folder

    def loops(self) -> list["Folder"]:
        """The folders of all loops that there are: of the first seed, of further seeds, and of students."""
        found = [Path(self.path)]
        for pattern in ("seeds/*", "rounds/*", "rounds/*/seeds/*"):
            found += sorted(self.path.glob(pattern))
        return [Folder(path) for path in found]

    def record(self) -> dict[str, Any]:
        """What run.json holds. Raises ResumeError when the folder holds no run."""
        try:
            self.check_links()
            found = FILES.read_json(self.record_path)
            if not isinstance(found, dict):
                raise ValueError(f"a {type(found).__name__} where an object belongs")
            return found
        except FileNotFoundError:
            raise ResumeError(
                "no run lies here.", where=str(self.path), expected="a folder with run.json",
                next_move=f"start one: bertune train DATA --out {self.path}",
            ) from None  # fmt: skip
        except (ValueError, RecursionError) as error:
            raise ResumeError("run.json is damaged.", where=str(self.record_path), found=str(error)[:200]) from None

    def check_links(self) -> None:
        """Raises ResumeError where an entry of the folder is a link out of it: writing there would write elsewhere."""
        inside = self.path.resolve()
        for entry in self._entries():
            if entry.is_symlink() and not entry.resolve().is_relative_to(inside):
                raise ResumeError(
                    "a link leads out of the run folder.", where=str(entry), expected="files of the run itself",
                    found=os.readlink(entry)[:200],
                    next_move="put the file or folder in the place of the link; the run folder itself may be a link",
                )  # fmt: skip

    def _entries(self) -> Iterator[Path]:
        for place, folders, files in os.walk(self.path):
            yield from (Path(place) / name for name in (*folders, *files))

    def write_record(self, **values: Any) -> dict[str, Any]:
        """Add values to run.json."""
        record = self.record() if self.record_path.exists() else {}
        record.update(values)
        FILES.write_json(self.record_path, record)
        return record

    def refuse_other_format(self) -> None:
        """Raises ResumeError for a run folder that another release laid out in another way."""
        record = self.record()
        if record.get("format", FORMAT) != FORMAT:
            raise ResumeError(
                "this run was begun by another release.", where=str(self.record_path), expected=f"format {FORMAT}",
                found=f"format {record['format']}, of bertune {record.get('bertune', '?')}",
                next_move="resume it with that release, or start a new run with bertune train",
            )  # fmt: skip

    def clear(self, keep_checkpoints: bool) -> None:
        """Remove what only an unfinished run needs."""
        if not keep_checkpoints:
            for folder in self.loops():
                FILES.remove(folder.checkpoints)
        FILES.remove(self.store)

    @property
    def empty(self) -> bool:
        """Whether a new run may start here: no entries, or only what a run leaves that was killed as it prepared."""
        if not self.path.exists():
            return True
        names = {entry.name for entry in self.path.iterdir()} - {self.lock.name}
        names = {name for name in names if not name.endswith(".partial")}
        if self.record_path.name not in names:
            return not names
        return self.record().get("status") == PREPARING and names <= {path.name for path in self._first()}

    def leave(self) -> None:
        """Remove what a run wrote that could not begin, and the folder where nothing else lies in it."""
        if self.record_path.exists() and self.record().get("status") == PREPARING:
            for path in self._first():
                FILES.remove(path)
            if not {entry.name for entry in self.path.iterdir()} - {self.lock.name}:
                FILES.remove(self.path)

    def _first(self) -> tuple[Path, ...]:
        """What a run writes while it prepares."""
        return self.recipe, self.findings, self.also, self.record_path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Within, this process alone works in the folder. The system drops the lock of a process that is gone.

        Raises BertuneError when another process works here.
        """
        FILES.make_folder(self.path)
        self.check_links()
        handle = self._own()
        try:
            yield
        finally:
            with handle, suppress(OSError):  # a lock file that stays, as on Windows, locks nobody out
                FILES.remove(self.lock)

    def _own(self) -> IO[str]:
        """The locked lock file, with the number of this process in it."""
        while True:
            handle = open(self.lock, "a+", encoding="utf-8")  # noqa: SIM115 - open as long as the lock is held
            try:
                _lock(handle)
            except OSError:
                handle.seek(0)
                holder = handle.read().strip() or "unknown"
                handle.close()
                raise BertuneError(
                    "another process works in this run folder.", where=str(self.path), found=f"process {holder}",
                    next_move="wait for it, or give another folder with --out",
                ) from None  # fmt: skip
            if self._is_at_its_place(handle):
                handle.truncate(0)
                handle.write(str(os.getpid()))
                handle.flush()
                return handle
            handle.close()  # its owner removed it between our opening and locking: take the file that stands there now

    def _is_at_its_place(self, handle: IO[str]) -> bool:
        try:
            return os.path.samestat(os.fstat(handle.fileno()), os.stat(self.lock))
        except FileNotFoundError:
            return False


def _lock(handle: IO[str]) -> None:
    """Lock an open file for this process. Raises OSError when another has it."""
    if sys.platform == "win32":
        import msvcrt

        handle.seek(2**20)  # past the text, so that others can read it
        msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        handle.seek(0)
    else:
        import fcntl

        fcntl.flock(handle.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def refuse_other_bytes(names: Mapping[str, str | None]) -> None:
    """Raises BertuneError for paths, by setting, that are not UTF-8 text: a recipe and a model could not name them."""
    for setting, name in names.items():
        shown = (name or "").encode("utf-8", "backslashreplace").decode()
        if shown != (name or ""):
            raise BertuneError(
                "this path is not UTF-8 text.", where=f"{setting} {shown}", expected="a name that a recipe can hold",
                next_move="rename it; for data and run folders a link with a plain name does too",
            )  # fmt: skip


def fresh(data: str | None) -> Path:
    """A folder name that is not taken: runs/<name of the data>-<number>."""
    stem = re.sub(r"[^\w.-]+", "-", Path((data or "run").removeprefix("hf:")).name.split(".")[0]).strip("-") or "run"
    number = 1
    while (Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return Path("runs") / f"{stem}-{number}"
