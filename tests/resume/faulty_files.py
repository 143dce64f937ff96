"""File operations that fail, or kill the process, at the n-th of them: faults are put into the one object FILES."""

import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bertune.base.files import FILES, Files

CHANGING = ("open_new", "write_to", "flush", "flush_folder", "make_folder", "rename", "remove", "append", "truncate")


def full_disk() -> None:
    """What the system says when no space is left."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def bad_disk() -> None:
    """What the system says when a disk cannot be written."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def killed() -> None:
    """The end of this process, without any clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


class _Handle:
    """An open file whose writes are counted too."""

    def __init__(self, inner: Any, count: Callable[[str, Any], None]) -> None:
        self.inner, self.count = inner, count

    def __enter__(self) -> "_Handle":
        return self

    def __exit__(self, *_: object) -> None:
        self.inner.close()

    def write(self, chunk: Any) -> int:
        """Write a chunk; a fault that comes here leaves half of it, as a full disk does."""
        try:
            self.count("write_to", self.inner.name)
        except OSError:
            half = memoryview(chunk).cast("B")[: len(memoryview(chunk).cast("B")) // 2]
            self.inner.write(half)
            raise
        return int(self.inner.write(chunk))

    def flush(self) -> None:
        """Flush the file."""
        self.inner.flush()

    def fileno(self) -> int:
        """The number of the open file."""
        return int(self.inner.fileno())


class FaultyFiles(Files):
    """Files whose changing operations are counted; from the `at`-th on, or at it alone, `fault` happens.

    Only operations on paths that contain `within` count. `seen` names the operations that were counted.
    """

    at: int | None = None
    lasting = False
    within = ""
    fault: Callable[[], None] = staticmethod(full_disk)
    seen: list[str]

    def _count(self, operation: str, where: Any) -> None:
        if self.within not in str(where):
            return
        self.seen.append(operation)
        if self.at is not None and (len(self.seen) == self.at or (self.lasting and len(self.seen) > self.at)):
            type(self).fault()

    def open_new(self, path: Path) -> Any:
        self._count("open_new", path)
        return _Handle(super().open_new(path), self._count)

    def flush(self, handle: Any) -> None:
        self._count("flush", getattr(handle, "inner", handle).name)
        super().flush(handle)

    def flush_folder(self, path: Path) -> None:
        self._count("flush_folder", path)
        super().flush_folder(path)

    def make_folder(self, path: Path) -> None:
        self._count("make_folder", path)
        super().make_folder(path)

    def rename(self, source: Path, target: Path) -> None:
        self._count("rename", target)
        super().rename(source, target)

    def remove(self, path: Path) -> None:
        self._count("remove", path)
        super().remove(path)

    def append(self, path: Path, line: str) -> None:
        self._count("append", path)
        super().append(path, line)

    def truncate(self, path: Path, size: int) -> None:
        self._count("truncate", path)
        super().truncate(path, size)


def install(
    at: int | None, *, within: str = "", lasting: bool = False, fault: Callable[[], None] = full_disk
) -> FaultyFiles:
    """From now on every file operation of a run is counted and the `at`-th (from 1) meets its fault; None: count."""
    kind = type("FaultyFilesNow", (FaultyFiles,),
                {"at": at, "within": within, "lasting": lasting, "fault": staticmethod(fault), "seen": []})  # fmt: skip
    FILES.__class__ = kind  # every module holds the object itself, so its class is what can change
    return FILES  # type: ignore[return-value]


@contextmanager
def faults(
    at: int | None, *, within: str = "", lasting: bool = False, fault: Callable[[], None] = full_disk
) -> Iterator[FaultyFiles]:
    """The same within a block; afterwards files are plain again."""
    try:
        yield install(at, within=within, lasting=lasting, fault=fault)
    finally:
        FILES.__class__ = Files
