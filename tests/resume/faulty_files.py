"""File operations that fail, or kill the process, at the n-th of them: faults are put into the one object FILES."""

import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bertune.base.files import FILES, Files

CHANGING = ("open_new", "write_to", "flush", "flush_folder", "make_folder", "rename", "remove", "append", "truncate")


def failing(number: int) -> Callable[[], None]:
    """What the system says with an error number, as a fault."""

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    return fail


full_disk, bad_disk = failing(errno.ENOSPC), failing(errno.EIO)
ERRORS = {"no space": full_disk, "input/output": bad_disk, "read-only": failing(errno.EROFS),
          "quota": failing(errno.EDQUOT)}  # fmt: skip


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

    Only operations on paths that contain `within` count, and of these the `kinds`, if any are named. `seen` names the
    operations that were counted.
    """

    at: int | None = None
    lasting = False
    within = ""
    kinds: Sequence[str] = ()
    fault: Callable[[], None] = staticmethod(full_disk)
    seen: list[str]

    def _count(self, operation: str, where: Any) -> None:
        if self.within not in str(where) or (self.kinds and operation not in self.kinds):
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
    at: int | None, *, within: str = "", kinds: Sequence[str] = (), lasting: bool = False,
    fault: Callable[[], None] = full_disk,
) -> FaultyFiles:  # fmt: skip
    """From now on every file operation of a run is counted and the `at`-th (from 1) meets its fault; None: count."""
    kind = type("FaultyFilesNow", (FaultyFiles,),
                {"at": at, "within": within, "kinds": kinds, "lasting": lasting, "fault": staticmethod(fault),
                 "seen": []})  # fmt: skip
    FILES.__class__ = kind  # every module holds the object itself, so its class is what can change
    return FILES  # type: ignore[return-value]


@contextmanager
def faults(at: int | None, **settings: Any) -> Iterator[FaultyFiles]:
    """The same within a block; afterwards files are plain again."""
    try:
        yield install(at, **settings)
    finally:
        FILES.__class__ = Files


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Within, the system itself refuses to let any file grow beyond some bytes, whoever writes it."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
