"""Objects of JSON files: parsed one by one, with row and line of every fault."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from bertune.base.errors import DataError
from bertune.data.readers._chunk import CHUNK_CHARACTERS, CHUNK_ROWS, FIELD_CHARACTERS, Chunk, chunk, row_error
from bertune.data.readers._shape import Shape
from bertune.data.readers._spans import SpanColumn
from bertune.data.readers._text import Lines, UndecodableError

ROW_VALUES = 4_000_000
_BIG = 1_000_000


class RepeatedKeyError(ValueError):
    """An object with the same key twice."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        times = Counter(key for key, _ in pairs)
        raise RepeatedKeyError(next(key for key, count in times.items() if count > 1))
    return made


DECODER = json.JSONDecoder(object_pairs_hook=_unique)


def looks_like_lines(path: str) -> bool:
    """Whether a file has one JSON object a line, by its first two lines that are not blank."""
    try:
        values = []
        for line in islice((line for line in islice(Lines(path, newline="\n"), 50) if line.strip()), 2):
            check_values(line, path, 1, 1)
            values.append(json.loads(line))
    except (ValueError, UndecodableError, DataError, RecursionError, OSError):
        return False
    return bool(values) and all(isinstance(value, dict) for value in values) and (len(values) > 1 or _flat(values[0]))


def check_values(text: str, path: str, row: int, line: int, most: int = ROW_VALUES) -> None:
    """Refuses JSON of more values than one row, or a document that is read whole, may have. Raises DataError.

    Each takes up to a hundred bytes of memory where it takes two of the file. Commas and brackets are counted, those
    in texts too.
    """
    if len(text) > _BIG and sum(map(text.count, ",[{")) > most:
        raise row_error(
            path,
            row,
            line,
            f"more than {most:,} values stand in one object or list.",
            expected='rows such as {"text": "…", "label": "…"}',
            next_move="write one object a row as JSON Lines (.jsonl)",
        )


def _flat(value: dict[str, Any]) -> bool:
    return not any(isinstance(part, (list, dict)) for part in value.values())


def broken(path: str, row: int, line: int, error: Exception) -> DataError:
    """The DataError for text that is no JSON."""
    if isinstance(error, RepeatedKeyError):
        message, found = f"the key {error.args[0][:80]!r} stands twice in one object.", None
    elif isinstance(error, json.JSONDecodeError):
        message, found = f"this is no JSON: {error.msg} (column {error.colno:,}).", None
    elif isinstance(error, RecursionError):
        message, found = "the lists and objects are nested too deeply.", None
    else:
        message, found = "this is no JSON that can be read.", str(error)[:120]
    return row_error(path, row, line, message, expected='an object such as {"text": "…", "label": "…"}', found=found)


def no_object(path: str, row: int, line: int, value: Any) -> DataError:
    """The DataError for a row that is no object."""
    return row_error(
        path,
        row,
        line,
        "the row is no object.",
        expected='an object such as {"text": "…", "label": "…"}',
        found={list: "a list", str: "a text", type(None): "null"}.get(type(value), "a plain value"),
    )


def portions(
    objects: Iterable[tuple[dict[str, Any], int, int]], path: str, facts: dict[str, str] | None = None
) -> Iterator[Chunk]:
    """(object, line, size in characters) as chunks, at least one. Keys that an object lacks are null.

    A column with marked places of the text becomes `spans`; `facts` is told.
    """
    held: list[dict[str, Any]] = []
    lines: list[int] = []
    shape, spans = Shape(path), SpanColumn(path, {} if facts is None else facts)
    done, size, given = 0, 0, False
    for value, line, characters in objects:
        if characters > FIELD_CHARACTERS:
            _check_fields(value, path, done + len(held) + 1, line)
        shape.add(value, done + len(held) + 1, line)
        held.append(value)
        lines.append(line)
        size += characters
        if len(held) == CHUNK_ROWS or size >= CHUNK_CHARACTERS or shape.full:
            yield _portion(held, lines, done, spans)
            done += len(held)
            held, lines, size, given = [], [], 0, True
            shape.start()
    if held or not given:
        yield _portion(held, lines, done, spans)


def _check_fields(value: dict[str, Any], path: str, row: int, line: int) -> None:
    for name, part in value.items():
        if isinstance(part, str) and len(part) > FIELD_CHARACTERS:
            raise row_error(
                path,
                row,
                line,
                f"the field {name!r} is longer than {FIELD_CHARACTERS:,} characters.",
                found=f"{len(part):,} characters",
                next_move="split the text, or leave the row out",
            )


def _portion(held: list[dict[str, Any]], lines: list[int], done: int, spans: SpanColumn) -> Chunk:
    names = list(dict.fromkeys(key for value in held for key in value))
    if held and not names:
        raise row_error(
            spans.path,
            done + 1,
            lines[0],
            "the objects are empty.",
            expected='an object such as {"text": "…", "label": "…"}',
            next_move="leave these rows out",
        )
    columns = {name: [value.get(name) for value in held] for name in names}
    rows = range(done + 1, done + len(held) + 1)
    columns, types = spans.normal(columns, rows, lines)
    return chunk(columns, rows, lines, source=spans.path, types=types)
