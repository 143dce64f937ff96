"""Folders with files of the other formats."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal

from bertune.base.errors import DataError
from bertune.data.choosing import FOLDERS, known_suffixes, reader_for
from bertune.data.readers._chunk import SPLIT_NAMES, Chunk, suffixed
from bertune.data.readers._delimited import Quoting

ORDER = ("train", "valid", "test", None)


class Folder:
    """A folder with files of another format: train, dev and test by their names, or parts of one table.

    Where a word of some file's name is that of a split (`sst2_train.csv`, `test-00000.parquet`), files without are left
    out, and it is said; a split may have several files of one format. Otherwise all files have the same suffix and are
    read one after the other, sorted by name. Plain .txt files without such names may be a text each and are not read.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    modest: ClassVar[bool] = True

    def __init__(
        self, *, encoding: str = "auto", delimiter: str = "auto", quoting: Quoting = "standard",
        header: Literal["auto", "yes", "no"] = "auto",
    ) -> None:  # fmt: skip
        self.encoding, self.delimiter, self.format, self.header = encoding, delimiter, "auto", header
        self.quoting: Quoting = quoting
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the path is a folder of such files; it may be one of another reader's too, which then comes first."""
        return os.path.isdir(path) and bool(_chosen(path)[0])

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows of each file in order, with its split; raises DataError."""
        chosen, left_out = _chosen(path)
        if not chosen:
            raise DataError("no file in this folder can be read.", where=path, expected=FOLDERS)
        _check_once(path, chosen)
        self.files, said = [], dict[str, list[str]]()
        for name, split in chosen:
            file = os.path.join(path, name)
            reader, first = reader_for(file, self), len(self.files)
            for made in reader.read(file):
                yield Chunk(made.columns, made.rows, made.lines, made.files + first, split or made.split)
            self.files += reader.files
            for key, value in reader.facts.items():
                said.setdefault(key, []).append(value)
            self.facts = {key: ", ".join(dict.fromkeys(values)) for key, values in said.items()}
            self.facts["format"] = f"folder of {self.facts['format']}"
        if left_out:
            more = f" and {len(left_out) - 5:,} more" if len(left_out) > 5 else ""
            before = f"{self.facts['left out']}; " if "left out" in self.facts else ""
            self.facts["left out"] = before + ", ".join(left_out[:5]) + more


def _chosen(path: str) -> tuple[list[tuple[str, str | None]], list[str]]:
    """Names of the files to read, each with its split, and of those that are left out."""
    with os.scandir(path) as entries:
        found = sorted(e.name for e in entries if e.is_file() and not e.name.startswith("."))
    known = known_suffixes()
    there = [name for name in found if suffixed(name, known)]
    splits = [(name, split) for name in there if (split := _split(name))]
    if splits:
        kept = {name for name, _ in splits}
        return sorted(splits, key=lambda item: ORDER.index(item[1])), [n for n in there if n not in kept]
    suffixes = {_suffix(name) for name in there}
    return [(name, None) for name in there] if len(suffixes) == 1 and suffixes != {".txt"} else [], []


def _suffix(name: str) -> str:
    return os.path.splitext(name.lower().removesuffix(".gz"))[1]


def _split(name: str) -> str | None:
    named = {SPLIT_NAMES[word] for word in re.split(r"[\W_]+", name.lower()) if word in SPLIT_NAMES}
    return named.pop() if len(named) == 1 else None


def _check_once(path: str, chosen: Sequence[tuple[str, str | None]]) -> None:
    """Refuse a split that stands there in several formats: its rows would count twice."""
    for split in dict.fromkeys(split for _, split in chosen):
        files = [name for name, of in chosen if of == split]
        if len({_suffix(name) for name in files}) > 1:
            raise DataError(
                f"the split {split} stands there in several formats.",
                where=path,
                expected="files of one format for each split",
                found=", ".join(files[:6]),
                next_move="move the others elsewhere, or name the files: DATA --valid FILE --test FILE",
            )
