"""One JSON document, taken from its text in portions."""

import json
from collections.abc import Iterator
from typing import Any

from bertune.base.errors import DataError
from bertune.data.readers._chunk import COLUMNS, row_error
from bertune.data.readers._json import DECODER, RepeatedKeyError, broken, check_values, no_object
from bertune.data.readers._text import UndecodableError, pieces, undecodable

DOCUMENT_CHARACTERS = 256_000_000
DOCUMENT_VALUES = 20_000_000
ITEM_CHARACTERS = 32_000_000
_SPACE = " \t\r\n"


class Document:
    """Takes values from a JSON text, reading on as needed.

    `row` is the number of the row in progress: of the item of a list, unless whoever takes the items counts otherwise
    and sets it to the number of rows that are done.
    """

    def __init__(self, path: str, encoding: str) -> None:
        self.path = path
        self.encoding, self._pieces = pieces(path, encoding)
        self._text, self._at, self._line = "", 0, 1
        self.row = 0

    def opens(self) -> str:
        """The first character that is not white space. Raises DataError for an empty file."""
        character = self._next()
        if not character:
            raise DataError("the file is empty.", where=self.path, expected="a JSON document")
        return character

    def whole(self) -> Any:
        """The value of the whole text. Raises DataError beyond the bound."""
        held, size = [self._text], len(self._text)
        while piece := self._piece():
            held.append(piece)
            size += len(piece)
            if size > DOCUMENT_CHARACTERS:
                raise DataError(
                    f"a document of this form is read whole, up to {DOCUMENT_CHARACTERS:,} characters.",
                    where=self.path,
                    found="more than that",
                    next_move="write it as JSON Lines (.jsonl) or Parquet, which are streamed",
                )
        text = "".join(held).strip(_SPACE)
        check_values(text, self.path, 1, 1, DOCUMENT_VALUES)
        try:
            value, end = DECODER.raw_decode(text)
            if text[end:].strip(_SPACE):
                raise json.JSONDecodeError("Extra data", text, end)
        except json.JSONDecodeError as error:
            raise broken(self.path, self.row, error.lineno, error) from None
        except (ValueError, RecursionError) as error:
            raise broken(self.path, self.row, 1, error) from None
        return value

    def items(self) -> Iterator[tuple[dict[str, Any], int, int]]:
        """(object, line, size) of each item of the list that the text is. Raises DataError."""
        yield from self._list()
        self._end()

    def items_of(self, name: str) -> Iterator[tuple[dict[str, Any], int, int]]:
        """(object, line, size) of each item of the list under one key of the object that the text is.

        The values of other keys are passed over. Raises DataError, also where there is no such list.
        """
        found = False
        for key in self._keys():
            if key == name and self._next() == "[":
                found = True
                yield from self._list()
            else:
                self._value()
        self._end()
        if not found:
            raise DataError(f"there is no list {name!r}.", where=self.path, expected=f'{{"{name}": [{{…}}, …]}}')

    def _keys(self) -> Iterator[str]:
        """The keys of the object that starts here; whoever takes a key moves on behind its value."""
        self._at += 1
        self.row = 1
        seen: set[str] = set()
        character = self._next()
        while character != "}":
            key, _ = self._value()
            if not isinstance(key, str) or self._next() != ":":
                raise self._cut("the object does not go on with a key and a colon.")
            if key in seen:
                raise self._broken(RepeatedKeyError(key))
            seen.add(key)
            if len(seen) > COLUMNS:
                raise self._cut(f"the object has more than {COLUMNS:,} keys.")
            self._at += 1
            self._next()
            yield key
            character = self._next()
            if character == ",":
                self._at += 1
                character = self._next()
                if character == "}":
                    raise self._cut("a comma stands before the end of the object.")
            elif character != "}":
                raise self._cut("the object does not go on with a comma, nor end.")
        self._at += 1

    def _list(self) -> Iterator[tuple[dict[str, Any], int, int]]:
        self._at += 1
        self.row = 1
        character = self._next()
        while character != "]":
            line = self._line
            value, size = self._value()
            if not isinstance(value, dict):
                raise no_object(self.path, self.row, line, value)
            yield value, line, size
            character = self._next()
            if character == ",":
                self._at += 1
                self.row += 1
                character = self._next()
                if character == "]":
                    raise self._cut("a comma stands before the end of the list.")
            elif character != "]":
                raise self._cut("the list does not go on with a comma, nor end.")
        self._at += 1

    def _end(self) -> None:
        if self._next():
            raise self._cut("more text follows the end of the document.")

    def _cut(self, message: str) -> DataError:
        return row_error(
            self.path,
            max(self.row, 1),
            self._line,
            message,
            expected='[{"text": "…"}, …]',
            next_move="is the file whole? One object a line is JSON Lines: --set data.format=jsonl",
        )

    def _piece(self) -> str:
        try:
            return next((piece for piece in self._pieces if piece), "")
        except UndecodableError as error:
            line = self._line + self._text.count("\n", self._at)
            raise undecodable(self.path, max(self.row, 1), line, self.encoding.said, error) from None

    def _next(self) -> str:
        """The next character that is not white space, left in place; empty at the end."""
        while True:
            rest = self._text[self._at : self._at + 256]
            if stripped := rest.lstrip(_SPACE):
                self._move(len(rest) - len(stripped))
                return stripped[0]
            self._move(len(rest))
            if not rest:
                self._text, self._at = self._piece(), 0
                if not self._text:
                    return ""

    def _move(self, count: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + count)
        self._at += count

    def _value(self) -> tuple[Any, int]:
        """The value that starts here, and its size; more text is read, twice as much each time, until it is whole."""
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._read_on():
                    raise self._broken(error) from None
                continue
            except (ValueError, RecursionError) as error:
                raise self._broken(error) from None
            size = end - self._at
            # A number at the end of what was read may go on.
            if len(self._text) - end < 4 and isinstance(value, (int, float)) and self._read_on():
                continue
            self._move(size)
            return value, size

    def _read_on(self) -> bool:
        self._text, self._at = self._text[self._at :], 0
        size, held = len(self._text), [self._text]
        if size > ITEM_CHARACTERS:
            raise self._cut(f"what begins here does not end within {ITEM_CHARACTERS:,} characters.")
        wanted = 2 * size
        while size < wanted or len(held) == 1:
            piece = self._piece()
            if not piece:
                break
            held.append(piece)
            size += len(piece)
        self._text = "".join(held)
        check_values(self._text, self.path, max(self.row, 1), self._line)
        return len(held) > 1

    def _broken(self, error: Exception) -> DataError:
        line = self._line
        if isinstance(error, json.JSONDecodeError):
            line += self._text.count("\n", self._at, error.pos)
        return broken(self.path, max(self.row, 1), line, error)
