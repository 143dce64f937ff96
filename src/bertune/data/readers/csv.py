"""Comma-, tab- or otherwise separated values."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from bertune.data.readers._chunk import Chunk, suffixed
from bertune.data.readers._delimited import (
    Delimited,
    delimiter_named,
    header,
    portions,
    recognise_delimiter,
    sample_lines,
)
from bertune.data.readers._text import Lines


class Csv:
    """Comma-, tab- or otherwise separated values with a header line, plain or gzip.

    Every column is text. Blank lines are no rows. Ragged rows, open quotes, NUL bytes, bad column names and fields
    beyond 10 MB are refused with row and line.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab", ".psv", ".txt")

    def __init__(
        self, *, encoding: str = "auto", delimiter: str = "auto", quoting: Literal["standard", "none"] = "standard"
    ) -> None:
        self.encoding, self.delimiter = encoding, delimiter
        self.quoting: Literal["standard", "none"] = quoting
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the name ends like that of a delimited file."""
        return suffixed(path, Csv.suffixes)

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order; raises DataError."""
        self.files = [path]
        if self.delimiter == "auto":
            delimiter, said = recognise_delimiter(sample_lines(path, self.encoding), self.quoting, path)
        else:
            delimiter, said = delimiter_named(self.delimiter, path)
        lines = Lines(path, self.encoding)
        self.facts = {"format": "csv", "encoding": lines.encoding.said, "delimiter": said}
        if self.quoting == "none":
            self.facts["quoting"] = "none"
        parser = Delimited(lines, delimiter, self.quoting, path)
        yield from portions(parser, header(parser))
