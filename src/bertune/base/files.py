"""Every file operation of a run goes through one small object, so that faults can be injected in tests."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Bytes = bytes | bytearray | memoryview


class Files:
    """Writes that are complete or absent: each file is written, flushed to disk, then renamed into place."""

    def write(self, path: Path, chunks: Iterable[Bytes]) -> str:
        """Write a file from chunks, durably and atomically; returns its sha256 in hex."""
        digest = hashlib.sha256()
        self.make_folder(path.parent)
        partial = path.with_name(path.name + ".partial")
        with self.open_new(partial) as handle:
            for chunk in chunks:
                handle.write(chunk)
                digest.update(chunk)
            self.flush(handle)
        self.rename(partial, path)
        return digest.hexdigest()

    def write_text(self, path: Path, text: str) -> str:
        """Write a UTF-8 text file, durably and atomically; returns its sha256 in hex."""
        return self.write(path, [text.encode("utf-8")])

    def write_json(self, path: Path, value: Any) -> str:
        """Write a JSON file with sorted layout, durably and atomically; returns its sha256 in hex."""
        return self.write_text(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")

    def append(self, path: Path, line: str) -> None:
        """Add one line to a text file."""
        with open(path, "a", encoding="utf-8") as handle:
            handle.write(line + "\n")

    def truncate(self, path: Path, size: int) -> None:
        """Cut a file to its first `size` bytes."""
        os.truncate(path, size)

    def read(self, path: Path) -> bytes:
        """The bytes of a file."""
        return path.read_bytes()

    def read_json(self, path: Path) -> Any:
        """The value of a JSON file."""
        return json.loads(self.read(path).decode("utf-8"))

    def digest(self, path: Path) -> str:
        """The sha256 of a file in hex, read in pieces."""
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()

    def open_new(self, path: Path) -> Any:
        """Open a file for writing bytes, replacing what is there."""
        return open(path, "wb")

    def flush(self, handle: Any) -> None:
        """Force what was written to the disk."""
        handle.flush()
        os.fsync(handle.fileno())

    def sync(self, path: Path) -> None:
        """Force an existing file to the disk."""
        with open(path, "r+b") as handle:
            self.flush(handle)

    def sync_tree(self, path: Path) -> None:
        """Force a folder, and everything in it that others wrote, to the disk."""
        for entry in sorted(path.iterdir()):
            if entry.is_dir():
                self.sync_tree(entry)
            else:
                self.sync(entry)
        self.flush_folder(path)

    def flush_folder(self, path: Path) -> None:
        """Force a folder's entries to the disk; does nothing where folders cannot be opened: on Windows, or where they
        may be written and not read, as the one above a run folder."""
        if os.name == "nt":
            return
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except PermissionError:
            return
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it, and force their names to the disk."""
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        path.mkdir(parents=True, exist_ok=True)
        for folder in reversed(missing):
            self.flush_folder(folder.parent)

    def rename(self, source: Path, target: Path) -> None:
        """Move a file or folder to its final name and flush the folder that holds it."""
        os.replace(source, target)
        self.flush_folder(target.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or a whole folder; nothing happens where there is none."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


FILES = Files()
