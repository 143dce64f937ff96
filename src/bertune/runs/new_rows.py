"""Rows that a trained model meets: their texts found as in training, in portions, with where each came from."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError, Problem, RecipeError
from bertune.base.recipe import parse_assignment
from bertune.base.sections import DataSection
from bertune.base.types import Ints, Roles, Table
from bertune.data.columns import label_texts, recognise, text_values
from bertune.data.readers._chunk import FIELD_CHARACTERS
from bertune.data.table import reader_for
from bertune.evaluate.saved import SavedModel
from bertune.runs.ask import ask
from bertune.runs.telling import Teller

LINES = 512  # lines of stdin answered together
READING = ("data.format", "data.encoding", "data.delimiter", "data.quoting")


@dataclass(frozen=True, eq=False)
class NewRows:
    """Some rows: row[rows] counts from 1 in its file; `files` and `labels` only where they are known."""

    row: Ints
    texts: list[str | None]
    pairs: list[str | None] | None
    labels: list[str | None] | None = None
    files: list[str] | None = None


def reading_settings(settings: Sequence[str]) -> DataSection:
    """How a file is read. Raises RecipeError for any setting that does not say so."""
    others = [key for key, _ in map(parse_assignment, settings) if key not in READING]
    if others:
        text = f"says nothing about reading a file; expected one of {', '.join(READING)}"
        raise RecipeError([Problem(key, text, "--set") for key in others])
    return ask({}, settings).data


def roles_for(
    table: Table, saved: SavedModel, columns: Mapping[str, str | None], need_label: bool = False
) -> tuple[Roles, str]:
    """The columns: those named, else those of training, else recognised; and, where recognised, a line that says so.

    Raises DataError where the texts are not found or do not fit the model.
    """
    asked = {role: columns.get(role) or _there(saved, role, table) for role in ("text", "text_pair", "label")}
    if not saved.task.pairs and columns.get("text_pair"):
        raise DataError("this model reads single texts.", found=f"--text-pair {columns['text_pair']}")
    pair = asked["text_pair"] if saved.task.pairs else None
    roles = recognise(table, asked["text"], pair, asked["label"], None, need_label=need_label)
    if saved.task.pairs and roles.text_pair is None:
        raise DataError(
            "this model reads pairs of texts.", where=table.files[0],
            expected=f"a column {saved.about.columns.get('text_pair')!r}, as in training",
            found=", ".join(table.names[:20]), next_move="name it: --text-pair COLUMN",
        )  # fmt: skip
    if not saved.task.pairs and roles.text_pair is not None:
        raise DataError(
            f"there is no column {saved.about.columns['text']!r}, and this model reads single texts.",
            where=table.files[0], found=", ".join(table.names[:20]), next_move="name the text: --text COLUMN",
        )  # fmt: skip
    label = roles.label if need_label else asked["label"]
    said = ""
    if roles.text != asked["text"]:
        second = f' and "{roles.text_pair}"' if roles.text_pair else ""
        trained = saved.about.columns["text"]
        said = f'text taken from "{roles.text}"{second} ({roles.why}); there is no column "{trained}" as in training'
    return Roles(roles.text, roles.text_pair, label, None, roles.why), said


def _there(saved: SavedModel, role: str, table: Table) -> str | None:
    name = saved.about.columns.get(role)
    return name if name in table.names else None


def portions_of(
    data: str, saved: SavedModel, columns: Mapping[str, str | None], settings: Sequence[str], teller: Teller
) -> Iterator[NewRows]:
    """The rows of a file, folder or hf:<dataset>, portion by portion. Raises DataError with file and row."""
    reader = reader_for(data, reading_settings(settings))
    roles: Roles | None = None
    for chunk in reader.read(data):
        batch = pa.Table.from_batches([chunk.columns])
        table = Table(batch, tuple(reader.files), chunk.files, chunk.rows, chunk.lines, np.full(len(chunk.rows), -1))
        if roles is None:
            roles, said = roles_for(table, saved, columns)
            if said:
                teller.warn(said)
            many = len(reader.files) > 1
        yield _rows(table, roles, many)


def _rows(table: Table, roles: Roles, many: bool) -> NewRows:
    return NewRows(
        row=table.row,
        texts=_column(table, roles.text, text_values),
        pairs=None if roles.text_pair is None else _column(table, roles.text_pair, text_values),
        labels=None if roles.label is None else _column(table, roles.label, label_texts),
        files=[table.files[i] for i in table.file.tolist()] if many else None,
    )


def _column(table: Table, name: str, values: Any) -> list[str | None]:
    """The values of a column; all missing where a later portion of JSON Lines lacks it."""
    return list(values(table, name)) if name in table.names else [None] * len(table)


def lines_of(stream: BinaryIO, saved: SavedModel) -> Iterator[NewRows]:
    """One text a line in UTF-8; for a model of pairs two texts with a TAB between them. Raises DataError."""
    most = 1 if stream.isatty() else LINES
    held: list[str] = []
    done = 0
    while line := stream.readline(FIELD_CHARACTERS + 1):
        held.append(_text(line, done + len(held) + 1))
        if len(held) == most:
            yield _of_lines(held, done, saved)
            done, held = done + len(held), []
    if held or not done:
        yield _of_lines(held, done, saved)


def _text(line: bytes, number: int) -> str:
    where = f"stdin line {number:,}"
    if len(line) > FIELD_CHARACTERS:
        raise DataError("this line is too long.", where=where, expected=f"at most {FIELD_CHARACTERS:,} bytes")
    if number == 1:
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise DataError(
            "this line is no UTF-8 text.", where=where, expected="UTF-8", found=f"byte {line[error.start]:#04x}",
            next_move="give the file itself instead of -; its encoding is then recognised",
        ) from None  # fmt: skip


def _of_lines(lines: list[str], done: int, saved: SavedModel) -> NewRows:
    row = np.arange(done + 1, done + len(lines) + 1)
    if not saved.task.pairs:
        return NewRows(row, list(lines), None)
    parts = [line.split("\t", 1) for line in lines]
    return NewRows(row, [p[0] for p in parts], [p[1] if len(p) > 1 else None for p in parts])
