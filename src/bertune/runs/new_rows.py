"""Rows that a trained model meets: their texts found as in training, in portions, with where each came from."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from bertune.base.errors import DataError, Problem, RecipeError
from bertune.base.recipe import parse_assignment
from bertune.base.sections import DataSection
from bertune.base.types import Examples, Ints, Roles, Table
from bertune.data.choosing import reader_for
from bertune.data.columns import recognise
from bertune.data.readers._chunk import FIELD_CHARACTERS
from bertune.evaluate.saved import SavedModel
from bertune.runs.ask import ask
from bertune.runs.examples import examples_of
from bertune.runs.telling import Teller

SENTENCE = 4  # words of the name of an only column that may be the first text
LINES = 512  # lines of stdin answered together
READING = ("data.format", "data.encoding", "data.delimiter", "data.quoting", "data.header")


@dataclass(frozen=True, eq=False)
class NewRows:
    """Some rows as the task reads them, cleaned as in training: row[rows] counts from 1 in its file; `files` only where
    there are several."""

    row: Ints
    examples: Examples
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
    trained = saved.roles
    asked = {role: columns.get(role) or _there(saved, role, table) for role in ("text", "text_pair", "label")}
    if trained.label is not None and trained.label == trained.text_pair:
        asked["label"] = None  # what is found in training is a text of the row
    if not saved.pairs and columns.get("text_pair"):
        raise DataError("this model reads single texts.", found=f"--text-pair {columns['text_pair']}")
    if not saved.pairs:
        asked["text_pair"] = None
    roles = saved.task.claims(table, asked, need_label) or recognise(
        table, asked["text"], asked["text_pair"], asked["label"], None, need_label=need_label
    )
    if saved.pairs and roles.text_pair is None and not saved.task.alone:
        raise DataError(
            "this model reads pairs of texts.", where=table.files[0],
            expected=f"a column {trained.text_pair!r}, as in training",
            found=", ".join(table.names[:20]), next_move="name it: --text-pair COLUMN",
        )  # fmt: skip
    if not saved.pairs and roles.text_pair is not None:
        raise DataError(
            f"there is no column {trained.text!r}, and this model reads single texts.",
            where=table.files[0], found=", ".join(table.names[:20]), next_move="name the text: --text COLUMN",
        )  # fmt: skip
    label = roles.label if need_label else asked["label"]
    said = ""
    if roles.text != asked["text"]:
        second = f' and "{roles.text_pair}"' if roles.text_pair else ""
        said = (
            f'text taken from "{roles.text}"{second} ({roles.why}); there is no column "{trained.text}" as in training'
        )
        if len(table.names) == 1 and len(roles.text.split()) >= SENTENCE and table.facts.get("format") == "csv":
            said += "; if that is the first text: --set data.header=no"
    return Roles(roles.text, roles.text_pair, label, None, roles.why, roles.more), said


def _there(saved: SavedModel, role: str, table: Table) -> str | None:
    name = saved.about.columns.get(role)
    return name if name in table.names else None


def portions_of(
    data: str, saved: SavedModel, columns: Mapping[str, str | None], settings: Sequence[str], teller: Teller,
    part: tuple[int, int | None] = (0, None),
) -> Iterator[NewRows]:  # fmt: skip
    """The rows of a file, folder or hf:<dataset>, portion by portion; those from one portion to before another where a
    `part` is asked for. Raises DataError with file and row."""
    roles: Roles | None = None
    first, end = part
    for number, table in enumerate(islice(tables_of(data, settings), end)):
        if roles is None:
            roles, said = roles_for(table, saved, columns)
            if said:
                teller.warn(said)
            many = len(table.files) > 1
        if number >= first:
            yield _rows(saved, table, roles, many)


def tables_of(data: str, settings: Sequence[str]) -> Iterator[Table]:
    """The rows of a file, folder or hf:<dataset> as tables, portion by portion. Raises DataError with file and row."""
    reader = reader_for(data, reading_settings(settings))
    for chunk in reader.read(data):
        batch = pa.Table.from_batches([chunk.columns])
        unsplit = np.full(len(chunk.rows), -1)
        yield Table(batch, tuple(reader.files), chunk.files, chunk.rows, chunk.lines, unsplit, dict(reader.facts))


def _rows(saved: SavedModel, table: Table, roles: Roles, many: bool) -> NewRows:
    files = [table.files[i] for i in table.file.tolist()] if many else None
    return NewRows(table.row, as_trained(saved, table, roles), files)


def as_trained(saved: SavedModel, table: Table, roles: Roles) -> Examples:
    """The rows as the task reads them, treated as in training."""
    about = saved.about
    return examples_of(saved.task, table, roles, about.cleaning, about.fill if about.missing == "fill" else None)


def of_texts(saved: SavedModel, texts: Sequence[str | None], pairs: Sequence[str | None] | None) -> Examples:
    """Texts, and second texts for a model of pairs, treated as in training. Texts that are no Unicode are missing."""
    columns = {"text": _column(texts)} | ({} if pairs is None else {"text_pair": _column(pairs)})
    nothing = np.zeros(len(texts), np.int64)
    table = Table(pa.table(columns), ("memory",), nothing, np.arange(1, len(texts) + 1), nothing, nothing - 1)
    return as_trained(saved, table, Roles("text", None if pairs is None else "text_pair"))


def _column(texts: Sequence[str | None]) -> pa.Array:
    return pa.array([None if text is None or broken(text) else text for text in texts], pa.large_string())


def broken(text: str) -> bool:
    """Whether a text holds half of a surrogate pair, which is no character."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def lines_of(stream: BinaryIO, saved: SavedModel) -> Iterator[NewRows]:
    """One text a line in UTF-8; for a model of pairs two texts with a TAB between them. Raises DataError.

    Models of texts as vectors take lines without a TAB for single texts, where none of some lines has one.
    """
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
    if not saved.pairs:
        return NewRows(row, of_texts(saved, lines, None))
    if saved.task.alone and not any("\t" in line for line in lines):
        return NewRows(row, of_texts(saved, lines, None))
    parts = [line.split("\t", 1) for line in lines]
    return NewRows(row, of_texts(saved, [p[0] for p in parts], [p[1] if len(p) > 1 else None for p in parts]))
