"""Bytes and lines of text files: inflated under a bound, decoded strictly, with the place of every fault."""

import codecs
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from itertools import chain

from bertune.base.errors import DataError
from bertune.data import encodings
from bertune.data.readers._chunk import FIELD_CHARACTERS, row_error

BLOCK_BYTES = 1 << 18
LINE_CHARACTERS = 32_000_000
INFLATED_BYTES = 4_000_000_000
INFLATED_RATIO = 200
RATIO_FREE_BYTES = 16_000_000


class UndecodableError(Exception):
    """Bytes that are no text in the encoding; `byte` is the first of them."""

    def __init__(self, byte: int) -> None:
        self.byte = byte
        super().__init__(byte)


def is_gzip(path: str) -> bool:
    """Whether a file starts as gzip files do."""
    with open(path, "rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def blocks(path: str) -> Iterator[bytes]:
    """The bytes of a file in portions, inflated where it is gzip. Raises DataError beyond the bounds."""
    if not is_gzip(path):
        with open(path, "rb") as handle:
            while block := handle.read(BLOCK_BYTES):
                yield block
        return
    size = os.path.getsize(path)
    most = min(INFLATED_BYTES, max(INFLATED_RATIO * size, RATIO_FREE_BYTES))
    total = 0
    with gzip.open(path, "rb") as packed:
        while True:
            try:
                block = packed.read(BLOCK_BYTES)
            except (OSError, EOFError, zlib.error):
                raise DataError(
                    "the gzip data is damaged or cut off.",
                    where=path,
                    found=f"{total:,} bytes could be inflated",
                    next_move="copy the file again and compare the sizes",
                ) from None
            if not block:
                return
            total += len(block)
            if total > most:
                raise _bomb(path, size, most)
            yield block


def _bomb(path: str, size: int, most: int) -> DataError:
    return DataError(
        "the gzip data inflates to far more than text does.",
        where=path,
        expected=f"at most {INFLATED_BYTES:,} bytes and {INFLATED_RATIO} times the packed size",
        found=f"more than {most:,} bytes from {size:,}",
        next_move="if the file is yours, unpack it yourself and name the unpacked file",
    )


def pieces(path: str, encoding: str) -> tuple[encodings.Encoding, Iterator[str]]:
    """The encoding of a file and its text in portions, decoded strictly.

    The portions raise UndecodableError after all text before the fault was given.
    """
    source = blocks(path)
    sample = b""
    ended = False
    while len(sample) < encodings.SAMPLE_BYTES and not ended:
        block = next(source, b"")
        ended = not block
        sample += block
    if encoding == "auto":
        chosen = encodings.recognise(sample, path, whole=ended)
    else:
        chosen = encodings.named(encoding, sample, path)
    return chosen, _decoded(chain([sample[chosen.mark :]], source), chosen.codec)


def whole_text(path: str, encoding: str) -> tuple[str, encodings.Encoding]:
    """The text of a small file, line ends as they are, without byte order mark; and its encoding.

    Raises DataError for more than 10 MB and for bytes that are no text.
    """
    if os.path.getsize(path) > FIELD_CHARACTERS:
        raise DataError(
            f"the text is longer than {FIELD_CHARACTERS:,} bytes.", where=path, next_move="split it or leave it out"
        )
    with open(path, "rb") as handle:
        data = handle.read()
    if encoding == "auto":
        chosen = encodings.recognise(data, path, whole=True)
    else:
        chosen = encodings.named(encoding, data, path)
    try:
        return data[chosen.mark :].decode(chosen.codec), chosen
    except UnicodeError as error:
        at = error.start if isinstance(error, UnicodeDecodeError) else 0
        raise row_error(
            path,
            1,
            data[:at].count(10) + 1,
            f"byte 0x{data[at + chosen.mark]:02x} is no text in {chosen.said}.",
            next_move="name the encoding of these files: --set data.encoding=cp1252",
        ) from None


def _decoded(source: Iterator[bytes], codec: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(codec)("strict")
    ended = False
    while not ended:
        block = next(source, b"")
        ended = not block
        try:
            yield decoder.decode(block, ended)
        except UnicodeDecodeError as error:
            data = bytes(error.object)
            yield data[: error.start].decode(codec, "ignore")
            raise UndecodableError(data[error.start]) from None
        except UnicodeError:
            raise UndecodableError(block[0] if block else 0) from None


class Lines:
    """The lines of a file with their ends; `number` is that of the line given last.

    Lines end at LF, CR LF or CR, or at LF alone where `newline` is LF.
    """

    def __init__(self, path: str, encoding: str = "auto", newline: str = "") -> None:
        self.path, self.newline, self.number = path, newline, 0
        self.encoding, self._pieces = pieces(path, encoding)

    def __iter__(self) -> Iterator[str]:
        held = ""
        fault: UndecodableError | None = None
        try:
            for piece in self._long_pieces():
                *whole, held = io.StringIO(held + piece, newline=self.newline)
                # The last line is held back: it may go on, and a CR at its end may be half of a line end.
                for line in whole:
                    self.number += 1
                    yield line
        except UndecodableError as error:
            fault = error
        for line in io.StringIO(held, newline=self.newline):
            if fault is None or line.endswith(("\n", "\r")):
                self.number += 1
                yield line
        if fault is not None:
            raise fault

    def _long_pieces(self) -> Iterator[str]:
        """The pieces joined until each holds a line end, so that a long line is not copied again and again."""
        held: list[str] = []
        size = 0
        ends = (self.newline,) if self.newline else ("\n", "\r")
        fault: UndecodableError | None = None
        try:
            for piece in self._pieces:
                held.append(piece)
                size += len(piece)
                if any(end in piece for end in ends):
                    yield "".join(held)
                    held, size = [], 0
                elif size > LINE_CHARACTERS:
                    raise self._too_long()
        except UndecodableError as error:
            fault = error
        if any(held):
            yield "".join(held)
        if fault is not None:
            raise fault

    def _too_long(self) -> DataError:
        return row_error(
            self.path,
            self.number,
            self.number + 1,
            f"the line is longer than {LINE_CHARACTERS:,} characters.",
            expected="one row a line",
            next_move="is this a text file with lines? --set data.format=… names its format",
        )


def undecodable(path: str, row: int, line: int, said: str, error: UndecodableError) -> DataError:
    """The DataError for bytes that are no text, with their row and line."""
    return row_error(
        path,
        row,
        line,
        f"byte 0x{error.byte:02x} is no text in {said}.",
        expected=f"the whole file in {said.split(' (', maxsplit=1)[0]}",
        next_move="save the file in one encoding, or name another: --set data.encoding=cp1252",
    )


def filled(lines: Lines) -> Iterator[tuple[str, int]]:
    """The lines that aren't blank, each a row, with the number of the line. Raises DataError with row and line."""
    row = 1
    try:
        for line in lines:
            if not line.strip():
                continue
            if len(line) > FIELD_CHARACTERS:
                said = f"the text is longer than {FIELD_CHARACTERS:,} characters."
                raise row_error(lines.path, row, lines.number, said, next_move="split it or leave it out")
            if "\0" in line:
                said, move = "a NUL byte stands in the text.", "the file may be UTF-16: --set data.encoding=utf-16"
                raise row_error(lines.path, row, lines.number, said, expected="text without NUL", next_move=move)
            yield line, lines.number
            row += 1
    except UndecodableError as error:
        raise undecodable(lines.path, row, lines.number + 1, lines.encoding.said, error) from None
