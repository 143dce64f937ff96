"""A folder for each class."""

import os
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from bertune.base.errors import DataError
from bertune.data.readers._chunk import (
    CHUNK_CHARACTERS,
    CHUNK_ROWS,
    SPLIT_NAMES,
    Chunk,
    chunk,
)
from bertune.data.readers._text import whole_text

UNLABELLED = ("unsup", "unlabeled", "unlabelled")


class ClassFolder:
    """A folder for each class with one .txt file a text: `<class>/*.txt` or `{train,valid,test}/<class>/*.txt`.

    So the IMDB reviews are published. Columns: text, label (name of the folder), id (name of the file). Folders
    without labels (unsup) are left out, and it is said.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the path is a folder with two or more folders of .txt files, at most two levels down."""
        return os.path.isdir(path) and len({label for _, label, _ in _classes(path)} - set(UNLABELLED)) > 1

    def read(self, path: str) -> Iterator[Chunk]:
        """The texts, sorted by split, class and file name; raises DataError."""
        self.files = []
        self.facts = {"format": "class_folder"}
        said: set[str] = set()
        left_out: list[str] = []
        given = False
        for folder, label, split in _classes(path):
            files = _texts(folder)
            if label.lower() in UNLABELLED:
                left_out.append(f"{os.path.relpath(folder, path)} ({len(files):,} texts without label)")
                self.facts["left out"] = ", ".join(left_out)
                continue
            for made in self._chunks(folder, files, label, split, said):
                self.facts["encoding"] = ", ".join(sorted(said))
                yield made
                given = True
        if not given:
            raise DataError(
                "there is no text with a label in this folder.",
                where=path,
                expected="<class>/*.txt or {train,test}/<class>/*.txt",
                found="; left out: " + ", ".join(left_out) if left_out else "no folder with .txt files",
            )

    def _chunks(self, folder: str, files: list[str], label: str, split: str | None, said: set[str]) -> Iterator[Chunk]:
        texts: list[str] = []
        names: list[str] = []
        size = 0
        for name in files:
            text = self._text(os.path.join(folder, name), said)
            texts.append(text)
            names.append(name)
            size += len(text)
            if len(texts) == CHUNK_ROWS or size >= CHUNK_CHARACTERS:
                yield self._chunk(folder, texts, names, label, split)
                texts, names, size = [], [], 0
        if texts:
            yield self._chunk(folder, texts, names, label, split)

    def _chunk(self, folder: str, texts: list[str], names: list[str], label: str, split: str | None) -> Chunk:
        first = len(self.files)
        self.files.extend(os.path.join(folder, name) for name in names)
        columns = {"text": texts, "label": [label] * len(texts), "id": [name.removesuffix(".txt") for name in names]}
        made = chunk(columns, [1] * len(texts), split=split, source=folder)
        return Chunk(made.columns, made.rows, made.lines, np.arange(first, len(self.files), dtype=np.int64), split)

    def _text(self, file: str, said: set[str]) -> str:
        text, encoding = whole_text(file, self.encoding)
        said.add(encoding.said)
        return text


def _folders(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _texts(folder: str) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.name.lower().endswith(".txt") and entry.is_file())


def _has_texts(folder: str) -> bool:
    with os.scandir(folder) as entries:
        return any(entry.name.lower().endswith(".txt") and entry.is_file() for entry in entries)


def _classes(path: str) -> Iterator[tuple[str, str, str | None]]:
    """(folder, label, split) of each class; splits come in the order train, valid, test."""
    splits = [name for name in _folders(path) if name.lower() in SPLIT_NAMES]
    deep = [
        (name, label)
        for name in sorted(splits, key=lambda n: ("train", "valid", "test").index(SPLIT_NAMES[n.lower()]))
        for label in _folders(os.path.join(path, name))
        if _has_texts(os.path.join(path, name, label))
    ]
    if deep:
        for name, label in deep:
            yield os.path.join(path, name, label), label, SPLIT_NAMES[name.lower()]
        return
    for label in _folders(path):
        if _has_texts(os.path.join(path, label)):
            yield os.path.join(path, label), label, None
