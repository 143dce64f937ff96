"""Plain texts, one a line."""

from collections.abc import Iterator
from typing import ClassVar

import pyarrow as pa

from bertune.data.readers import _text
from bertune.data.readers._chunk import Chunk, suffixed
from bertune.data.readers._delimited import field_counts, filled_sample, recognise_delimiter
from bertune.data.readers._typed import typed_portions

REGULAR = 0.9  # share of the first lines that one delimiter cuts as it cuts the first
NAME_CHARACTERS = 20  # a longer word, or several words, is no name of a column
ENDS = ".!?。！？，"  # nor is what has one of these


class Lines:
    """A text a line without a header, plain or gzip. Blank lines are no rows; the column is called text."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    modest: ClassVar[bool] = True

    def __init__(self, *, encoding: str = "auto") -> None:
        self.encoding = encoding
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether a .txt file starts with a text rather than with names of columns, and no delimiter cuts its lines
        alike."""
        lines = filled_sample(path) if suffixed(path, (".txt",)) else []
        if not lines or _may_be_name(lines[0].strip()):
            return False
        counts = field_counts(lines, recognise_delimiter(lines, "none", path)[0], "none")
        return not counts or counts[0] < 2 or counts.count(counts[0]) < REGULAR * len(counts)

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order; raises DataError."""
        self.files = [path]
        lines = _text.Lines(path, self.encoding)
        self.facts = {"format": "lines", "encoding": lines.encoding.said}
        texts = (({"text": line.strip()}, number, len(line)) for line, number in _text.filled(lines))
        yield from typed_portions(texts, {"text": pa.string()}, path)


def _may_be_name(line: str) -> bool:
    return len(line.split()) == 1 and len(line) <= NAME_CHARACTERS and not set(line) & set(ENDS)
