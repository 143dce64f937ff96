"""JSON Lines."""

from collections.abc import Iterator
from typing import Any, ClassVar

from bertune.data.readers._chunk import Chunk, suffixed
from bertune.data.readers._json import DECODER, broken, check_values, looks_like_lines, no_object, portions
from bertune.data.readers._text import Lines, UndecodableError, undecodable


class Jsonl:
    """JSON Lines: one object a line, plain or gzip. Blank lines are no rows; keys may be missing.

    Marked places of the text under spans, entities, label or labels, as doccano and Prodigy write them, become the
    column spans: lists of {start, end, label}. One place is [start, end, label], or an object with start or
    start_offset, end or end_offset, and label, type or labels.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".ndjson", ".jsonlines")

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the name ends like that of JSON Lines, or a .json file has an object on each of its first lines."""
        return suffixed(path, Jsonl.suffixes) or (suffixed(path, (".json",)) and looks_like_lines(path))

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order; raises DataError."""
        self.files = [path]
        lines = Lines(path, self.encoding, newline="\n")
        self.facts = {"format": "jsonl", "encoding": lines.encoding.said}
        yield from portions(self._objects(lines, path), path, self.facts)

    @staticmethod
    def _objects(lines: Lines, path: str) -> Iterator[tuple[dict[str, Any], int, int]]:
        row = 1
        try:
            for line in lines:
                text = line.strip(" \t\r\n")
                if not text:
                    continue
                check_values(text, path, row, lines.number)
                try:
                    value, end = DECODER.raw_decode(text)
                except (ValueError, RecursionError) as error:
                    raise broken(path, row, lines.number, error) from None
                if end != len(text):
                    raise broken(path, row, lines.number, ValueError("more follows the object on its line"))
                if not isinstance(value, dict):
                    raise no_object(path, row, lines.number, value)
                yield value, lines.number, len(text)
                row += 1
        except UndecodableError as error:
            raise undecodable(path, row, lines.number + 1, lines.encoding.said, error) from None
