"""A disk as a power cut may leave it: the changes of a run's files are recorded, then rebuilt up to a moment.

What counts is what reached the system, found by looking at the folder before and after each file operation, so that
files written past bertune's own object are recorded too. The model is harsher than the usual file systems:

- What was written to a file stands for sure once the file was flushed. Before that each write is there, or not, or cut
  in the middle, or has pages of zeros, whatever became of the writes before it.
- A name in a folder (new, changed or removed) stands for sure once that folder was flushed; flushing the file itself
  is not enough. Before that each change of a name is there or not. A rename is one change.
"""

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bertune.base.files import FILES, Files

PAGE = 512  # smaller than a disk's, as the files of the tests are small


@dataclass(frozen=True)
class Change:
    """One change of a file or folder, known by its number.

    `what` is write (data at an offset), cut (to a size), names (name -> number, None where it is gone), flushed, or
    told (something the run said, as text in `names`).
    """

    node: int
    what: str
    at: int = 0
    data: bytes = b""
    names: Mapping[str, int | None] = field(default_factory=dict)


class Recorder:
    """Looks at a folder again and again and notes what has changed; the first `begun` changes are what it found."""

    def __init__(self, root: Path) -> None:
        self.root, self.changes = root, list[Change]()
        self.numbers: dict[int, int] = {}  # by inode
        self.signs: dict[int, tuple[int, ...]] = {}
        self.contents: dict[int, bytes] = {}
        self.names: dict[int, dict[str, int]] = {}
        self.next = 1
        self.look()
        nodes = {change.node for change in self.changes}
        self.changes += [Change(node, "flushed") for node in sorted(nodes)]  # what stood before stands for sure
        self.begun = len(self.changes)

    def look(self, one: bool = False) -> None:
        """Note what has changed since; `one` says that the changed names of a folder are a single change."""
        seen: dict[int, int] = {}
        folders: dict[int, dict[str, int]] = {}
        self._visit(self.root, 0, seen, folders)
        self.changes += [Change(node, "names") for node in folders if node not in self.names]
        for node, entries in folders.items():
            before = self.names.get(node, {})
            changed = {n: entries.get(n) for n in {**before, **entries} if before.get(n) != entries.get(n)}
            parts = [changed] if one else [{name: number} for name, number in changed.items()]
            self.changes += [Change(node, "names", names=part) for part in parts if part]
        self.numbers, self.names = seen, folders

    def _visit(self, path: Path, node: int, seen: dict[int, int], folders: dict[int, dict[str, int]]) -> None:
        entries = folders.setdefault(node, {})
        for entry in sorted(os.scandir(path), key=lambda e: e.name):
            about = entry.stat(follow_symlinks=False)
            if about.st_ino not in seen:
                known = self.numbers.get(about.st_ino)
                seen[about.st_ino] = self.next if known is None else known
                self.next += known is None
            child = seen[about.st_ino]
            entries[entry.name] = child
            if entry.is_dir(follow_symlinks=False):
                self._visit(Path(entry.path), child, seen, folders)
            elif self.signs.get(child) != (sign := (about.st_size, about.st_mtime_ns)):
                self.signs[child] = sign
                self._written(child, Path(entry.path).read_bytes())

    def _written(self, node: int, now: bytes) -> None:
        before = self.contents.get(node, b"")
        self.contents[node] = now
        if not now.startswith(before):
            size = len(now) if before.startswith(now) else 0
            self.changes.append(Change(node, "cut", at=size))
            before = now[:size]
        if len(now) > len(before):
            self.changes.append(Change(node, "write", at=len(before), data=now[len(before) :]))

    def flushed(self, inode: int) -> None:
        """Note that a file or folder was forced to the disk."""
        if inode in self.numbers or inode == self.root.stat().st_ino:
            self.changes.append(Change(self.numbers.get(inode, 0), "flushed"))

    def tell(self, text: str) -> None:
        """Note what the run said at this moment."""
        self.changes.append(Change(-1, "told", names={text: None}))


class RecordedFiles(Files):
    """Files whose operations are looked at by a recorder before and after."""

    recorder: Recorder

    @contextmanager
    def _looked_at(self, one: bool = False) -> Iterator[None]:
        self.recorder.look()
        try:
            yield
        finally:
            self.recorder.look(one)

    def open_new(self, path: Path) -> Any:
        with self._looked_at():
            return super().open_new(path)

    def flush(self, handle: Any) -> None:
        handle.flush()
        self.recorder.look()
        super().flush(handle)
        self.recorder.flushed(os.fstat(handle.fileno()).st_ino)

    def flush_folder(self, path: Path) -> None:
        self.recorder.look()
        super().flush_folder(path)
        self.recorder.flushed(path.stat().st_ino)

    def make_folder(self, path: Path) -> None:
        with self._looked_at():
            super().make_folder(path)

    def rename(self, source: Path, target: Path) -> None:
        self.recorder.look()
        os.replace(source, target)
        self.recorder.look(one=True)
        self.flush_folder(target.parent)

    def remove(self, path: Path) -> None:
        with self._looked_at():
            super().remove(path)

    def append(self, path: Path, line: str) -> None:
        with self._looked_at():
            super().append(path, line)

    def truncate(self, path: Path, size: int) -> None:
        with self._looked_at():
            super().truncate(path, size)


@contextmanager
def recorded(root: Path) -> Iterator[Recorder]:
    """Within, every change below a folder is noted; what lies there already counts as flushed."""
    recorder = Recorder(root)
    FILES.__class__ = type("RecordedFilesNow", (RecordedFiles,), {"recorder": recorder})
    try:
        yield recorder
        recorder.look()
    finally:
        FILES.__class__ = Files


class Listening:
    """A listener that notes each checkpoint in the record, as the run tells it."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def on_saved(self, event: Any) -> None:
        """Note its name."""
        self.recorder.tell(event.checkpoint)


def told(changes: Sequence[Change]) -> list[str]:
    """What the run had said by the end of some changes."""
    return [text for change in changes if change.what == "told" for text in change.names]


def rebuild(changes: Sequence[Change], target: Path, chance: random.Random) -> None:
    """Make a folder as a cut after these changes may leave it. What is lost is drawn: all, some, none."""
    sure: dict[int, list[Change]] = {}
    waiting: dict[int, list[Change]] = {}
    for change in changes:
        if change.what == "flushed":
            sure.setdefault(change.node, []).extend(waiting.pop(change.node, []))
        elif change.what != "told":
            waiting.setdefault(change.node, []).append(change)
    kept_share = chance.choice([0.0, 0.2, 0.5, 0.8, 1.0])
    torn_share = chance.choice([0.0, 0.5, 1.0])
    for node, pending in waiting.items():
        kept = [change for change in pending if chance.random() < kept_share]
        sure.setdefault(node, []).extend(_torn(c, chance) if chance.random() < torn_share else c for c in kept)
    folders = {change.node for change in changes if change.what == "names"}
    _build(0, target, sure, folders)


def _torn(change: Change, chance: random.Random) -> Change:
    """A write that was cut in the middle, or whose pages are zeros here and there; other changes are whole or not."""
    if change.what != "write":
        return change
    data = bytearray(change.data)
    if chance.random() < 0.5:
        del data[chance.randrange(len(data)) :]
    else:
        for begin in range(0, len(data), PAGE):
            if chance.random() < 0.5:
                end = min(begin + PAGE, len(data))
                data[begin:end] = bytes(end - begin)
    return Change(change.node, "write", change.at, bytes(data))


def _build(node: int, path: Path, changes: Mapping[int, Sequence[Change]], folders: set[int]) -> None:
    """Write what a node and those below it hold after their changes."""
    names: dict[str, int | None] = {}
    content = bytearray()
    for change in changes.get(node, ()):
        if change.what == "names":
            names |= change.names
        elif change.what == "cut":
            del content[change.at :]
        else:
            content.extend(bytes(max(0, change.at - len(content))))
            content[change.at : change.at + len(change.data)] = change.data
    if node not in folders:
        path.write_bytes(bytes(content))
        return
    path.mkdir(exist_ok=True)
    for name, child in names.items():
        if child is not None:
            _build(child, path / name, changes, folders)
