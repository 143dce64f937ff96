"""Sentences of text files with a token and its tag a line, with row and line of every fault."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bertune.base.errors import DataError
from bertune.data.readers._chunk import COLUMNS, FIELD_CHARACTERS, NAME_CHARACTERS, row_error
from bertune.data.readers._delimited import sample_lines
from bertune.data.readers._text import Lines, UndecodableError, undecodable
from bertune.data.readers._typed import ITEM_WEIGHT

DOCUMENT = "-DOCSTART-"
SENTENCE_TOKENS = 100_000
LINE_CHARACTERS = 1_000_000
SEPARATORS = {"\t": "tab", " ": "blanks"}
_TAG = re.compile(r"O|[BIOESMLU]-\S+")
_FEWEST_LINES = 3


@dataclass
class _Sentence:
    line: int = 0
    columns: int = 0
    size: int = 0
    tokens: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


@dataclass
class Tagged:
    """Parses the lines of one file. `row` is the number of the sentence in progress.

    `separator` and `columns` are those of the first token; `documents` and `comments` count the lines passed over.
    """

    lines: Lines
    path: str
    row: int = 1
    separator: str = ""
    columns: int = 0
    documents: int = 0
    comments: int = 0
    _tags: dict[str, str] = field(default_factory=dict)

    def sentences(self) -> Iterator[tuple[dict[str, Any], int, int]]:
        """(tokens and tags, line of the first token, size) of each sentence. Raises DataError."""
        held = _Sentence()
        try:
            for line in self.lines:
                text = line.rstrip("\r\n")
                self._check_line(text)
                if text.startswith(DOCUMENT) or not text.strip(" \t"):
                    self.documents += text.startswith(DOCUMENT)
                    if held.tokens:
                        yield self._whole(held)
                        held = _Sentence()
                elif not held.tokens and self._is_comment(text):
                    self.comments += 1
                else:
                    self._add(held, text)
            if held.tokens:
                yield self._whole(held)
        except UndecodableError as error:
            raise undecodable(self.path, self.row, self.lines.number + 1, self.lines.encoding.said, error) from None
        if self.row == 1:
            raise DataError(
                "the file holds no token with a tag.",
                where=self.path,
                expected="a token and its tag a line, a blank line between sentences",
            )

    def _is_comment(self, text: str) -> bool:
        """Whether a line before a sentence is a comment and not the token # with its tag."""
        if not text.startswith("# "):
            return False
        fields = split_fields(text, self.separator)
        tagged = len(fields) > 1 and (fields[-1] in self._tags or _TAG.fullmatch(fields[-1]) is not None)
        return not tagged or len(fields) != (self.columns or len(fields))

    def _add(self, held: _Sentence, text: str) -> None:
        self.separator = self.separator or ("\t" if "\t" in text else " ")
        fields = split_fields(text, self.separator)
        tag = fields[-1].strip(" ")
        if len(fields) < 2 or not tag:
            raise self._error(
                "the token has no tag.",
                expected=f"a token and its tag, with {SEPARATORS[self.separator]} between them",
                found=_count(fields),
                next_move="give each token a tag (O where it has none), or remove the line",
            )
        if not fields[0]:
            raise self._error("the tag has no token.", next_move="put the token before the tag, or remove the line")
        if held.columns and len(fields) != held.columns:
            raise self._error(
                f"the line has {len(fields)} columns, those before it in the sentence {held.columns}.",
                expected=f"{held.columns} columns, with {SEPARATORS[self.separator]} between them",
                found=_count(fields),
                next_move="does a blank line between two sentences miss, or a column?",
            )
        held.line = held.line or self.lines.number
        held.columns = len(fields)
        self.columns = self.columns or len(fields)
        held.tokens.append(fields[0])
        held.tags.append(self._known(tag))
        held.size += len(fields[0]) + len(tag) + 2 * ITEM_WEIGHT
        if len(held.tokens) > SENTENCE_TOKENS or held.size > SENTENCE_TOKENS * 2 * ITEM_WEIGHT + FIELD_CHARACTERS:
            raise self._error(
                f"the sentence has more than {SENTENCE_TOKENS:,} tokens or {FIELD_CHARACTERS:,} characters.",
                expected="a blank line between sentences",
                next_move="put blank lines between the sentences",
            )

    def _known(self, tag: str) -> str:
        """The tag, one object for all tokens that have it. Raises DataError where tags are too many or too long."""
        if tag not in self._tags:
            if len(self._tags) >= COLUMNS or len(tag) > NAME_CHARACTERS:
                many = len(tag) <= NAME_CHARACTERS
                raise self._error(
                    f"there are more than {COLUMNS:,} different tags."
                    if many
                    else f"the tag is longer than {NAME_CHARACTERS:,} characters.",
                    expected="the tag in the last column",
                    next_move="is this a file of tagged tokens? Another format: --set data.format=…",
                )
            self._tags[tag] = tag
        return self._tags[tag]

    def _whole(self, held: _Sentence) -> tuple[dict[str, Any], int, int]:
        count = len(held.tokens)
        numbered = count > 2 and held.columns > 2 and held.tokens[0] == "1"
        if numbered and held.tokens == [str(number) for number in range(1, count + 1)]:
            raise row_error(
                self.path,
                self.row,
                held.line,
                "the first column counts the tokens of the sentence.",
                expected="the token in the first column, its tag in the last",
                found=", ".join(held.tokens[:3]) + ", …",
                next_move="remove the first column",
            )
        self.row += 1
        return {"tokens": held.tokens, "tags": held.tags}, held.line, held.size

    def _check_line(self, text: str) -> None:
        if len(text) > LINE_CHARACTERS:
            raise self._error(
                f"the line is longer than {LINE_CHARACTERS:,} characters.", expected="a token and its tag a line"
            )
        if "\0" in text:
            raise self._error(
                "a NUL byte stands in the text.",
                expected="text without NUL",
                next_move="the file may be damaged or UTF-16: --set data.encoding=utf-16",
            )

    def _error(self, message: str, **details: str | None) -> DataError:
        return row_error(self.path, self.row, self.lines.number, message, **details)


def split_fields(text: str, separator: str) -> list[str]:
    """The columns of a line: split at every tab, or at runs of blanks; by its own look where no separator is given.

    Only the blank itself counts as such: other white space may be a token.
    """
    if separator == "\t" or (not separator and "\t" in text):
        return text.split("\t")
    return [part for part in text.split(" ") if part] or [""]


def _count(fields: list[str]) -> str:
    return f"{len(fields)} column{'' if len(fields) == 1 else 's'}"


def looks_tagged(path: str) -> bool:
    """Whether the first lines of a file are clearly tokens with tags such as B-PER and O in the last column.

    Each line that is not blank, a comment or -DOCSTART- must have as many columns as the others, two or more, and end
    with such a tag; three lines at least, and one with another tag than O.
    """
    try:
        lines = [line.rstrip("\r\n") for line in sample_lines(path, "auto")]
    except (DataError, OSError):
        return False
    kept = [line for line in lines if line.strip(" \t")]
    separator = "\t" if any("\t" in line for line in kept[:_FEWEST_LINES]) else " "
    columns, tags = set(), set()
    for line in kept:
        fields = split_fields(line, separator)
        tagged = len(fields) > 1 and fields[0] and _TAG.fullmatch(fields[-1].strip(" "))
        if fields[0] == DOCUMENT or (line.startswith("# ") and not tagged):
            continue
        if not tagged:
            return False
        columns.add(len(fields))
        tags.add(fields[-1])
    return len(columns) == 1 and len(kept) >= _FEWEST_LINES and bool(tags - {"O"})
