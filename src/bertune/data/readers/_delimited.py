"""Rows of delimited text, parsed by Python's csv module, with row and line of every fault."""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from bertune.base.errors import DataError
from bertune.data.readers._chunk import (
    CHUNK_CHARACTERS,
    CHUNK_ROWS,
    FIELD_CHARACTERS,
    Chunk,
    check_names,
    chunk,
    row_error,
)
from bertune.data.readers._header import completed
from bertune.data.readers._text import Lines, UndecodableError, undecodable

Quoting = Literal["standard", "none", "backslash"]
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SAMPLE_RECORDS = 200
SAMPLE_CHARACTERS = 1_000_000
RECORD_CHARACTERS = 32_000_000
_QUOTING = "if quotes are ordinary characters here: --set data.quoting=none"
_FORMS: dict[str, dict[str, Any]] = {
    "standard": {},
    "none": {"quoting": csv.QUOTE_NONE},
    "backslash": {"escapechar": "\\"},
}


@dataclass
class Record:
    """One parsed row: its fields and the line on which it starts."""

    fields: list[str]
    line: int


@dataclass
class Delimited:
    """Parses the lines of one file. `row` is the number of the row in progress; row 0 is the header."""

    lines: Lines
    delimiter: str
    quoting: Quoting
    path: str
    row: int = 0
    _held: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._start, self._size = 1, 0
        self._source = iter(self.lines)
        self._parser = csv.reader(self._feed(), delimiter=self.delimiter, strict=True, **_FORMS[self.quoting])

    def _feed(self) -> Iterator[str]:
        for line in self._source:
            self._size += len(line)
            if self._size > RECORD_CHARACTERS:
                raise self._error(
                    self._start,
                    f"the row is longer than {RECORD_CHARACTERS:,} characters.",
                    expected="one row a line, and every quote closed",
                    next_move=_QUOTING,
                )
            if "\0" in line:
                raise self._error(
                    self.lines.number,
                    "a NUL byte stands in the text.",
                    expected="text without NUL",
                    next_move="the file may be damaged or UTF-16: --set data.encoding=utf-16",
                )
            self._held.append(line)
            yield line

    def records(self) -> Iterator[Record]:
        """The records that are not blank, the header among them. Raises DataError."""
        while True:
            self._held.clear()
            self._size = 0
            self._start = self.lines.number + 1
            before = csv.field_size_limit(FIELD_CHARACTERS)
            try:
                fields = next(self._parser, None)
            except csv.Error as error:
                raise self._broken(str(error)) from None
            except UndecodableError as error:
                said = self.lines.encoding.said
                raise undecodable(self.path, self.row, self.lines.number + 1, said, error) from None
            finally:
                csv.field_size_limit(before)
            if fields is None:
                return
            if fields:
                yield Record(fields, self._start)
                self.row += 1

    def _error(self, line: int, message: str, **details: str | None) -> DataError:
        return row_error(self.path, self.row, line, message, **details)

    def _broken(self, fault: str) -> DataError:
        quote = self._open_quote()
        if "field limit" in fault or "field larger" in fault:
            return self._error(
                quote or self._start,
                f"a field is longer than {FIELD_CHARACTERS:,} characters.",
                expected="fields of text" + (", and every quote closed" if quote else ""),
                found=f"the quote that opens at line {quote:,} does not close before that" if quote else None,
                next_move=_QUOTING,
            )
        if "unexpected end" in fault:
            return self._error(
                quote or self._start,
                "the quote that opens there never closes.",
                expected='one more " before the end of the field',
                next_move=f"open the file at line {quote or self._start:,}, or --set data.quoting=none",
            )
        return self._error(
            quote or self._start,
            "text follows a closing quote." if "expected after" in fault else f"the row cannot be parsed ({fault}).",
            expected=f'the {DELIMITERS.get(self.delimiter, "delimiter")} or the end of the row after a closing "',
            found=f"the quote opened at line {quote:,}" if quote else None,
            next_move=f'a quote inside a quoted field is written ""; {_QUOTING}',
        )

    def _open_quote(self) -> int:
        """The line on which the last quoted field of the record in progress opens; 0 where there is none."""
        opened, inside, fresh = 0, False, True
        for offset, line in enumerate(self._held):
            for character in line:
                if inside:
                    inside = character != '"'
                    fresh = False
                elif character == '"' and fresh:
                    inside, opened = True, self._start + offset
                elif character == '"' and opened:
                    inside = True
                else:
                    fresh = character == self.delimiter
        return opened


def first_record(parser: Delimited) -> Record:
    """The header. Raises DataError where the file holds nothing."""
    record = next(parser.records(), None)
    if record is None:
        raise DataError(
            "the file is empty.",
            where=parser.path,
            expected="a header line and one row a line",
            next_move="was it written to the end?",
        )
    return record


def ragged(path: str, row: int, line: int, found: int, names: Sequence[str]) -> DataError:
    """The DataError for a row with too few or too many fields."""
    return row_error(
        path,
        row,
        line,
        f"the row has {found} field{'' if found == 1 else 's'}, the header {len(names)}.",
        expected=", ".join(name[:40] for name in names[:12]) + (", …" if len(names) > 12 else ""),
        found=f"{found} field{'' if found == 1 else 's'}",
        next_move="put the text in quotes if it holds the delimiter, or name the delimiter: --set data.delimiter=…",
    )


def portions(
    parser: Delimited, names: list[str], *, file: int = 0, split: str | None = None, left_out: list[int] | None = None
) -> Iterator[Chunk]:
    """The records after the header as chunks of text columns, at least one chunk.

    Ragged rows are errors, or their numbers go to `left_out` where that is given.
    """
    kept: list[list[str]] = []
    rows: list[int] = []
    lines: list[int] = []
    size, given = 0, False
    width = len(names)
    for row, record in enumerate(parser.records(), parser.row or 1):
        if len(record.fields) != width:
            if left_out is None:
                raise ragged(parser.path, row, record.line, len(record.fields), names)
            left_out.append(row)
            continue
        kept.append(record.fields)
        rows.append(row)
        lines.append(record.line)
        size += sum(map(len, record.fields))
        if len(kept) == CHUNK_ROWS or size >= CHUNK_CHARACTERS:
            yield chunk(_columns(names, kept), rows, lines, file=file, split=split, source=parser.path)
            kept, rows, lines, size, given = [], [], [], 0, True
    if kept or not given:
        yield chunk(_columns(names, kept), rows, lines, file=file, split=split, source=parser.path)


def _columns(names: list[str], kept: list[list[str]]) -> dict[str, tuple[str, ...]]:
    return dict(zip(names, zip(*kept, strict=True) if kept else [() for _ in names], strict=True))


def header(parser: Delimited) -> list[str]:
    """The column names of the first record, those that are empty numbered. Raises DataError for repeated ones."""
    record = first_record(parser)
    parser.row = 1
    names = completed(record.fields)
    check_names(names, parser.path, record.line)
    return names


def sample_lines(path: str, encoding: str) -> list[str]:
    """The lines of the first records of a file, as far as they can be decoded."""
    lines, size = [], 0
    try:
        for line in islice(Lines(path, encoding), 4 * SAMPLE_RECORDS):
            lines.append(line[:SAMPLE_CHARACTERS])
            size += len(line)
            if size > SAMPLE_CHARACTERS:
                break
    except UndecodableError:
        pass
    return lines


def filled_sample(path: str) -> list[str]:
    """The first lines of a file that aren't blank; none where there is no such file or it can't be decoded."""
    if not os.path.isfile(path):
        return []
    try:
        return [line for line in sample_lines(path, "auto") if line.strip()]
    except (DataError, OSError):
        return []


def recognise_delimiter(lines: Sequence[str], quoting: Quoting, path: str) -> tuple[str, str]:
    """The delimiter of a file by its first lines, and how it was told.

    For each candidate: the share of records with as many fields as the first one, which must have two or more; the
    highest share wins, then the larger number of fields. A file where none splits the first record has one column.
    """
    tabbed = path.lower().removesuffix(".gz").endswith((".tsv", ".tab"))
    order = ["\t", ",", ";", "|"] if tabbed else [",", ";", "\t", "|"]
    best, alone = (0.0, 0, ""), ""
    for delimiter in order:
        counts = field_counts(lines, delimiter, quoting)
        if not counts:
            continue
        share = counts.count(counts[0]) / len(counts)
        if counts[0] >= 2 and (share, counts[0]) > best[:2]:
            best = (share, counts[0], delimiter)
        elif counts[0] == 1 and share == 1 and not alone:
            alone = delimiter
    if best[2]:
        return best[2], f"{DELIMITERS[best[2]]} (recognised)"
    return alone or order[0], "none (one column)"


def field_counts(lines: Sequence[str], delimiter: str, quoting: Quoting) -> list[int]:
    """Fields of each of the first records, as a delimiter cuts them."""
    return [len(fields) for fields in sample_records(lines, delimiter, quoting)]


def sample_records(lines: Sequence[str], delimiter: str, quoting: Quoting) -> list[list[str]]:
    """The first records that are not blank, up to one that cannot be parsed."""
    return _records(lines, delimiter, quoting, strict=False)[0]


def _records(lines: Sequence[str], delimiter: str, quoting: Quoting, strict: bool) -> tuple[list[list[str]], bool]:
    """The first records, and whether all of them could be parsed."""
    before = csv.field_size_limit(FIELD_CHARACTERS)
    found: list[list[str]] = []
    parser = csv.reader(lines, delimiter=delimiter, strict=strict, **_FORMS[quoting])
    try:
        found.extend(fields for fields in islice(parser, SAMPLE_RECORDS) if fields)
        sound = True
    except csv.Error as error:
        sound = "unexpected end" in str(error)  # the last record of a sample may be cut in the middle
    finally:
        csv.field_size_limit(before)
    return (found[:-1] if len(found) > 2 else found), sound


def recognise_quoting(lines: Sequence[str], delimiter: str) -> Quoting:
    """backslash where quotes within the fields of the first records are written so, else standard."""
    if not any('\\"' in line for line in lines) or _records(lines, delimiter, "standard", strict=True)[1]:
        return "standard"
    return "backslash" if _records(lines, delimiter, "backslash", strict=True)[1] else "standard"


def delimiter_named(name: str, path: str) -> tuple[str, str]:
    """The delimiter that the user named, as a character or in words. Raises DataError."""
    words = {word: character for character, word in DELIMITERS.items()} | {"\\t": "\t", "space": " "}
    character = words.get(name.lower(), name)
    if len(character) != 1 or character in '"\r\n\0':
        raise DataError(
            f"{name!r} cannot be a delimiter.",
            where=path,
            expected="one character, or comma, semicolon, tab, bar",
            next_move="--set data.delimiter=tab",
        )
    return character, f"{DELIMITERS.get(character, repr(character))} (as set)"
