"""Lines of text with their labels in front, as fastText reads them."""

import re
from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa

from bertune.base.errors import DataError
from bertune.data.readers._chunk import Chunk, suffixed
from bertune.data.readers._delimited import filled_sample
from bertune.data.readers._text import Lines, filled
from bertune.data.readers._typed import ITEM_WEIGHT, TEXTS, typed_portions

PREFIX = "__label__"
LABEL = re.compile(rf"(?<!\S){PREFIX}(\S+)\s*")  # a word of its own, wherever it stands
SUFFIXES = (".txt", ".ft", ".train", ".valid", ".test")


class Fasttext:
    """A text a line, its labels as words that start with `__label__`, as fastText reads them; plain or gzip.

    Columns: text and label; where some line has several labels text and labels, lists of text. Labels may stand
    anywhere in a line and are taken out of the text. A line without one is a row without a label, blank lines are no
    rows.

    Source: fastText, `Dictionary::getLine`.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether each of the first lines of a .txt, .ft, .train, .valid or .test file has a label."""
        lines = filled_sample(path) if suffixed(path, SUFFIXES) else []
        return bool(lines) and all(LABEL.search(line) for line in lines)

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order; raises DataError. The file is read twice: one line with several labels makes all lists."""
        self.files = [path]
        most = 0
        for labels, _, _, _ in self._rows(path):
            most = max(most, len(labels))
            if most > 1:
                break
        if not most:
            raise DataError("no line has a label.", where=path, expected=f"{PREFIX}NAME in front of the text")
        name, form = ("labels", TEXTS) if most > 1 else ("label", pa.string())
        self.facts["labels"] = "several a row" if most > 1 else "one a row"
        yield from typed_portions(self._named(path, name), {"text": pa.string(), name: form}, path)

    def _named(self, path: str, name: str) -> Iterator[tuple[dict[str, Any], int, int]]:
        for labels, text, line, size in self._rows(path):
            found = (labels or None) if name == "labels" else next(iter(labels), None)
            yield {"text": text, name: found}, line, size + len(labels) * ITEM_WEIGHT

    def _rows(self, path: str) -> Iterator[tuple[list[str], str, int, int]]:
        """(labels, text, line, characters) of each line that isn't blank."""
        lines = Lines(path, self.encoding)
        self.facts |= {"format": "fasttext", "encoding": lines.encoding.said}
        for line, number in filled(lines):
            yield LABEL.findall(line), LABEL.sub("", line).strip(), number, len(line)
