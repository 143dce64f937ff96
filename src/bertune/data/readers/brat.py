"""Texts with annotations beside them."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError
from bertune.data.readers._chunk import SPLIT_NAMES, Chunk
from bertune.data.readers._standoff import places
from bertune.data.readers._text import whole_text
from bertune.data.readers._typed import ITEM_WEIGHT, SPANS, typed_portions

TYPES = {"text": pa.large_string(), "spans": SPANS, "id": pa.large_string()}


class Brat:
    """brat's standoff format: NAME.txt with NAME.ann beside it; a folder of such pairs, or one of the two files.

    One row a text. Columns: text, spans (lists of {start, end, label}, sorted; the end is exclusive) and id (NAME).
    Offsets count the characters of the .txt file, line ends as they are and a byte order mark too; each quoted text
    must stand at its place. Folders called train, dev or test within the folder give their splits. Relations, events,
    attributes, notes and texts without .ann file are left out, and it is said. A marked place with a gap is refused.

    Source: https://brat.nlplab.org/standoff.html
    """

    suffixes: ClassVar[tuple[str, ...]] = (".ann",)

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the path is an .ann file, a .txt file with its .ann file beside it, or a folder with .ann files."""
        if os.path.isdir(path):
            return bool(_folders(path))
        stem, suffix = os.path.splitext(path)
        return os.path.isfile(path) and (suffix == ".ann" or (suffix == ".txt" and os.path.isfile(stem + ".ann")))

    def read(self, path: str) -> Iterator[Chunk]:
        """The texts, sorted by split and name; raises DataError."""
        self.files, self.facts = [], {"format": "brat"}
        left_out: Counter[str] = Counter()
        said: set[str] = set()
        for folder, split, stems in self._groups(path, left_out):
            first = len(self.files)
            rows = self._rows(folder, stems, left_out, said)
            for made in typed_portions(rows, TYPES, folder, split=split):
                ones = np.ones(len(made.rows), np.int64)
                yield Chunk(made.columns, ones, made.lines, made.rows - 1 + first, split)
                self.facts["encoding"] = ", ".join(sorted(said))
                if left_out:
                    self.facts["left out"] = ", ".join(f"{n:,} {what}" for what, n in sorted(left_out.items()))

    def _groups(self, path: str, left_out: Counter[str]) -> list[tuple[str, str | None, list[str]]]:
        """(folder, split, names without suffix) of the documents."""
        if not os.path.isdir(path):
            stem, suffix = os.path.splitext(path)
            if suffix not in (".txt", ".ann"):
                raise DataError("this is no file of brat.", where=path, expected="a folder, an .ann or a .txt file")
            if not os.path.isfile(stem + ".ann"):
                raise DataError("there is no .ann file beside this text.", where=path, expected=stem + ".ann")
            return [(os.path.dirname(path), None, [os.path.basename(stem)])]
        groups = []
        for folder, split in _folders(path):
            names = _stems(folder, ".ann")
            alone = len(_stems(folder, ".txt") - names)
            if alone:
                left_out["texts without .ann file"] += alone
            groups.append((folder, split, sorted(names)))
        if not groups:
            raise DataError("there is no .ann file in this folder.", where=path, expected="NAME.txt and NAME.ann")
        return groups

    def _rows(
        self, folder: str, stems: list[str], left_out: Counter[str], said: set[str]
    ) -> Iterator[tuple[dict[str, Any], int, int]]:
        for stem in stems:
            file, notes = (os.path.join(folder, stem + suffix) for suffix in (".txt", ".ann"))
            if not os.path.isfile(file):
                raise DataError(
                    "there is no .txt file beside these annotations.",
                    where=notes,
                    expected=file,
                    next_move="copy the texts too, or remove the .ann file",
                )
            text, encoding = whole_text(file, self.encoding)
            lines, _ = whole_text(notes, self.encoding)
            said.add(encoding.said)
            mark = int(encoding.codec == "utf-8" and encoding.mark > 0)
            found = places(lines.split("\n"), text, notes, mark, left_out)
            self.files.append(file)
            spans = [{"start": start, "end": end, "label": label} for start, end, label in found]
            yield {"text": text, "spans": spans, "id": stem}, 0, len(text) + 2 * ITEM_WEIGHT * len(spans)


def _stems(folder: str, suffix: str) -> set[str]:
    with os.scandir(folder) as entries:
        names = {e.name for e in entries if e.name.endswith(suffix) and not e.name.startswith(".") and e.is_file()}
    return {name.removesuffix(suffix) for name in names}


def _folders(path: str) -> list[tuple[str, str | None]]:
    """(folder, split) of the folder, or of those for its splits, where .ann files lie; train, valid, test."""
    if _stems(path, ".ann"):
        return [(path, None)]
    with os.scandir(path) as entries:
        inner = sorted(entry.name for entry in entries if entry.is_dir() and entry.name.lower() in SPLIT_NAMES)
    found = [(os.path.join(path, name), SPLIT_NAMES[name.lower()]) for name in inner]
    order = ("train", "valid", "test")
    return sorted((one for one in found if _stems(one[0], ".ann")), key=lambda one: order.index(one[1]))
