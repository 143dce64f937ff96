"""What the pages of a Parquet file really claim. The footer may say less than the pages, and readers trust the pages.

Source: the Parquet format (parquet.thrift: FileMetaData, PageHeader) and the compact protocol of Apache Thrift.
"""

import os
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

HEADER_BYTES = 1 << 20
NESTING = 8
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 0, 1, 2, 3, 7, 8, 9, 10, 12
_INFLATED, _PACKED, _VALUES = 2, 3, 1  # fields of a PageHeader, and of the header of either data page
_DATA_PAGES = (5, 8)
_GROUPS, _COLUMNS, _COLUMN = 4, 1, 3  # FileMetaData.row_groups, RowGroup.columns, ColumnChunk.meta_data
_COLUMN_PACKED, _STARTS = 7, (9, 11)  # of a ColumnMetaData; the pages start with those of data or of a dictionary


class BadPageError(Exception):
    """A page header that is none, or that leads out of its column."""


class Page(NamedTuple):
    """One page: its size when inflated in bytes, and the values in it (0 for a dictionary); `column` counts from 0."""

    column: int
    inflated: int
    values: int


def pages(path: str) -> Iterator[Page]:
    """The pages of every column of a Parquet file, by their own headers. Raises BadPageError.

    The places of the columns are taken from the footer here as well: of some damaged ones Arrow ends the process when
    it is asked for them.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as handle:
        for number, part in _columns(handle, size):
            starts = [at for field in _STARTS if isinstance(at := part.get(field), int) and at > 0]
            start, packed = min(starts, default=0), part.get(_COLUMN_PACKED, 0)
            if not isinstance(packed, int) or packed < 0 or start + packed > size:
                raise BadPageError(f"column {number + 1} reaches beyond the file")
            yield from _of_column(handle, number, start, start + packed)


def _columns(handle: BinaryIO, size: int) -> Iterator[tuple[int, dict[int, Any]]]:
    """(number of the column, its ColumnMetaData by field) of every column of every row group."""
    handle.seek(size - 8)
    length = int.from_bytes(handle.read(4), "little")
    if length > size - 8:
        raise BadPageError("the footer is longer than the file")
    handle.seek(size - 8 - length)
    try:
        footer = _Compact(handle.read(length)).struct(0)
    except IndexError:
        raise BadPageError("the footer has no end") from None
    for group in _listed(footer.get(_GROUPS)):
        for number, column in enumerate(_listed(group.get(_COLUMNS))):
            part = column.get(_COLUMN)
            if not isinstance(part, dict):
                raise BadPageError(f"column {number + 1} has no description")
            yield number, part


def _listed(value: Any) -> list[dict[int, Any]]:
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise BadPageError("the footer lacks a list")
    return value


def _of_column(handle: BinaryIO, column: int, at: int, end: int) -> Iterator[Page]:
    while at < end:
        handle.seek(at)
        held = handle.read(min(256, end - at))
        try:
            header, length = _header(held)
        except IndexError:  # a long one: it holds statistics
            handle.seek(at)
            try:
                header, length = _header(handle.read(min(HEADER_BYTES, end - at)))
            except IndexError:
                raise BadPageError(f"the header of a page of column {column + 1} has no end") from None
        inflated, packed = header.get(_INFLATED, 0), header.get(_PACKED, 0)
        inner = [header[field] for field in _DATA_PAGES if isinstance(header.get(field), dict)]
        values = inner[0].get(_VALUES, 0) if inner else 0
        if not all(isinstance(n, int) and n >= 0 for n in (inflated, packed, values)) or at + length + packed > end:
            raise BadPageError(f"a page of column {column + 1} claims {packed} bytes at {at}")
        yield Page(column, inflated, values)
        at += length + packed


def _header(data: bytes) -> tuple[dict[int, Any], int]:
    reader = _Compact(data)
    return reader.struct(0), reader.at


class _Compact:
    """Reads structs of the compact protocol: numbers, structs and lists are kept, everything else is passed over."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self, depth: int) -> dict[int, Any]:
        """The fields by number. Raises IndexError at the end of the data, BadPageError for what is no struct."""
        if depth > NESTING:
            raise BadPageError("a header is nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != _STOP:
            step, kind = head >> 4, head & 15
            number = number + step if step else self._whole()
            fields[number] = self._value(kind, depth)
        return fields

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            if shift > 70:
                raise BadPageError("a number has no end")

    def _whole(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_TRUE, _FALSE):
            return None
        if kind == _BYTE:
            self._byte()
            return None
        if _BYTE < kind < _DOUBLE:
            return self._whole()
        if kind in (_DOUBLE, _BINARY):
            self._skip(8 if kind == _DOUBLE else self._varint())
            return None
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind in (_LIST, _SET):
            return self._list(depth)
        raise BadPageError(f"there is a field of kind {kind}")  # nothing here has maps

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count, kind = head >> 4, head & 15
        if count == 15:
            count = self._varint()
        if count > len(self.data) - self.at:
            raise IndexError
        one_byte = kind in (_TRUE, _FALSE)
        return [self._byte() if one_byte else self._value(kind, depth) for _ in range(count)]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self.data):
            raise IndexError
