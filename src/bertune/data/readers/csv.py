"""Comma-, tab- or otherwise separated values."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from bertune.data.readers._chunk import Chunk, suffixed
from bertune.data.readers._delimited import (
    Delimited,
    Quoting,
    delimiter_named,
    header,
    portions,
    recognise_delimiter,
    recognise_quoting,
    sample_lines,
    sample_records,
)
from bertune.data.readers._header import completed, headless
from bertune.data.readers._text import Lines


class Csv:
    """Comma-, tab- or otherwise separated values, plain or gzip, with a header line or (recognised) without.

    Every column is text; those without a name are called column_1, column_2 and so on by their place. Blank lines are
    no rows. Quotes within quotes are doubled or (recognised) follow a backslash. Ragged rows, open quotes, NUL bytes,
    bad column names and fields beyond 10 MB are refused with row and line.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv", ".tab", ".psv", ".txt")

    def __init__(
        self, *, encoding: str = "auto", delimiter: str = "auto", quoting: Quoting = "standard",
        header: Literal["auto", "yes", "no"] = "auto",
    ) -> None:  # fmt: skip
        self.encoding, self.delimiter, self.header = encoding, delimiter, header
        self.quoting: Quoting = quoting
        self.facts: dict[str, str] = {}
        self.files: list[str] = []

    @staticmethod
    def recognise(path: str) -> bool:
        """Whether the name ends like that of a delimited file."""
        return suffixed(path, Csv.suffixes)

    def read(self, path: str) -> Iterator[Chunk]:
        """The rows in order; raises DataError."""
        self.files = [path]
        sample = sample_lines(path, self.encoding)
        if self.delimiter == "auto":
            delimiter, said = recognise_delimiter(sample, self.quoting, path)
        else:
            delimiter, said = delimiter_named(self.delimiter, path)
        quoting = recognise_quoting(sample, delimiter) if self.quoting == "standard" else self.quoting
        lines = Lines(path, self.encoding)
        self.facts = {"format": "csv", "encoding": lines.encoding.said, "delimiter": said}
        if quoting != "standard":
            self.facts["quoting"] = quoting
        records = sample_records(sample, delimiter, quoting)
        parser = Delimited(lines, delimiter, quoting, path)
        if self.header == "no" or (self.header == "auto" and headless(records)):
            self.facts["header"] = "no header" + (" (recognised)" if self.header == "auto" else "")
            parser.row = 1
            yield from portions(parser, completed([""] * len(records[0]) if records else [""]))
        else:
            yield from portions(parser, header(parser))
