"""Answers on their way out: to a Parquet, CSV or JSON Lines file, or to the terminal."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.cells import cell_len, set_cell_size

from bertune.base.errors import DataError
from bertune.base.files import FILES
from bertune.base.types import Floats, Guesses, Ints
from bertune.base.wording import harmless_json
from bertune.runs.new_rows import NewRows

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width ones too, in East Asia
WIDTH = 80
WIDE = 34  # cells for answers of any length: lists of labels or entities, texts


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers to some rows, in their order.

    `guesses` are those of the rows that were answered, whose positions are `good`; `problems` says of each row why it
    was not answered, None where it was; cut[rows] is True where tokens beyond the limit were cut.
    """

    task: Any
    classes: tuple[str, ...]
    guesses: Guesses
    good: Ints
    problems: tuple[str | None, ...]
    cut: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def __len__(self) -> int:
        return len(self.problems)

    @cached_property
    def fields(self) -> dict[str, pa.DataType]:
        """The fields of an answer with their types."""
        return dict(self.task.fields_of(self.guesses, self.classes))

    @cached_property
    def _place(self) -> dict[int, int]:
        return {row: i for i, row in enumerate(self.good.tolist())}

    def answer(self, row: int) -> dict[str, Any]:
        """The fields of the answer to a row that was answered, `prediction` first."""
        return dict(self.task.answer(self.guesses, self._place[row], self.classes))

    @property
    def probabilities(self) -> Floats:
        """Probabilities [rows, classes] of a model of classes; NaN where a row was not answered."""
        found = np.full((len(self), len(self.classes)), np.nan)
        if self.guesses.probabilities is not None and len(self.good):
            found[self.good] = self.guesses.probabilities
        return found


@dataclass(frozen=True, eq=False)
class Portion:
    """Some rows with the answers to them."""

    rows: NewRows
    answered: Answered

    def entries(self) -> Iterator[dict[str, Any]]:
        """One entry a row: row, file and label where known, then the fields of the task's answer.

        `problem` says why a row was not answered; only then it is there, and the fields are None.
        """
        rows, answered = self.rows, self.answered
        for i, problem in enumerate(answered.problems):
            entry: dict[str, Any] = {"row": int(rows.row[i])}
            if rows.files is not None:
                entry["file"] = rows.files[i]
            if rows.examples.gold is not None:
                gold = rows.examples.gold[i]
                entry["label"] = None if gold is None else answered.task.label(gold)
            if problem is None:
                yield entry | answered.answer(i)
            else:
                yield entry | dict.fromkeys(answered.fields) | {"problem": problem}


def check_out(out: Path, data: str, formats: Sequence[str] = (".parquet", ".csv", ".jsonl")) -> None:
    """Refuses a place to write that cannot be meant, before anything is computed. Raises DataError."""
    if out.suffix.lower() not in formats:
        raise DataError(
            "answers are not written in this format.", where=str(out), expected=", ".join(formats),
            found=out.suffix or "no suffix",
        )  # fmt: skip
    if out.is_dir():
        raise DataError("this is a folder.", where=str(out), expected="the name of a file")
    if data != "-" and out.exists() and Path(data).exists() and out.samefile(data):
        raise DataError("the answers would replace the texts.", where=str(out), next_move="give another --out")


def write(out: Path, portions: Iterable[Portion]) -> str:
    """Write the answers portion by portion, in the format of the suffix; the file appears complete or not at all.

    Returns its sha256 in hex.
    """
    try:
        return FILES.write(out, WRITERS[out.suffix.lower()](iter(portions)))
    except BaseException:
        FILES.remove(out.with_name(out.name + ".partial"))
        raise


def _jsonl(portions: Iterator[Portion]) -> Iterator[bytes]:
    for portion in portions:
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in portion.entries()]
        yield "".join(lines).encode("utf-8", "backslashreplace")


def _csv(portions: Iterator[Portion]) -> Iterator[bytes]:
    for number, portion in enumerate(portions):
        page = io.StringIO(newline="")
        writer = csv.writer(page)  # ends lines with CR LF (RFC 4180), and so quotes a CR in a cell as well
        names = _names(portion)
        if number == 0:
            writer.writerow(names)
        for entry in portion.entries():
            writer.writerow([harmless(_cell(entry.get(name))) for name in names])
        yield page.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def harmless(value: Any) -> Any:
    """A cell that no spreadsheet takes for a formula: texts that start like one get a leading '.

    Source: OWASP, CSV injection (CWE-1236).
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


class _Drain(io.RawIOBase):
    """A file that hands on what is written to it."""

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = bytes(data)
        self.held.append(piece)
        self.at += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self.at

    def take(self) -> list[bytes]:
        held, self.held = self.held, []
        return held


def _parquet(portions: Iterator[Portion]) -> Iterator[bytes]:
    drain = _Drain()
    writer: pq.ParquetWriter | None = None
    for portion in portions:
        schema = _schema(portion)
        if writer is None:
            writer = pq.ParquetWriter(drain, schema, compression="zstd")
        entries = [{n: in_column(v, schema.field(n).type) for n, v in e.items()} for e in portion.entries()]
        writer.write_table(pa.Table.from_pylist(entries, schema))
        yield from drain.take()
    if writer is not None:
        writer.close()
    yield from drain.take()


def in_column(value: Any, kind: pa.DataType) -> Any:
    """A field of an answer as a Parquet column holds it: of {class: number} the numbers, in their order."""
    return list(value.values()) if isinstance(value, dict) and pa.types.is_list(kind) else value


def _names(portion: Portion) -> list[str]:
    known = {"file": portion.rows.files is not None, "label": portion.rows.examples.gold is not None}
    names = ("row", "file", "label", *portion.answered.fields, "problem")
    return [name for name in names if known.get(name, True)]


def _schema(portion: Portion) -> pa.Schema:
    """The columns of a Parquet file; `probabilities` are in the order of the classes, which the metadata names."""
    fields = portion.answered.fields
    kinds = {"row": pa.int64(), "file": pa.string(), "label": fields["prediction"], "problem": pa.string(), **fields}
    classes = json.dumps(list(portion.answered.classes), ensure_ascii=False)
    return pa.schema([pa.field(name, kinds[name]) for name in _names(portion)], {"bertune.classes": classes})


Writer = Callable[[Iterator[Portion]], Iterator[bytes]]
WRITERS: dict[str, Writer] = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}


def print_lines(portions: Iterable[Portion], as_json: bool) -> None:
    """One line a row on stdout: prediction, probability and the shortened text, or one JSON object."""
    for portion in portions:
        if as_json:
            lines = [harmless_json(json.dumps(entry, ensure_ascii=False)) for entry in portion.entries()]
        else:
            lines = list(_plain(portion))
        sys.stdout.write("".join(line + "\n" for line in lines))
        sys.stdout.flush()


def _plain(portion: Portion) -> Iterator[str]:
    task = portion.answered.task
    room = _room(portion)
    examples = portion.rows.examples
    for i, entry in enumerate(portion.entries()):
        text = examples.texts[i] or ""
        pair = examples.pairs[i] if examples.pairs is not None else None
        if "problem" in entry:
            head = set_cell_size("-", room) + "      -"
            text = f"row {entry['row']:,}: {entry['problem']}"
        else:
            said = shown(f"{task.shown(entry['prediction'])} {entry.get('choice') or ''}")
            head = set_cell_size(shortened(said, room), room)
            head += f"  {entry['probability']:.3f}" if entry.get("probability") is not None else " " * 7
            text = shown(text[:1000] if pair is None else f"{text[:500]} | {pair[:500]}")
        yield f"{head}  {shortened(text, WIDTH - room - 9)}".rstrip()


def _room(portion: Portion) -> int:
    """Cells for a prediction: what the longest class needs; more where an answer is no class but of any length."""
    if portion.answered.task.kind != "class" or "choice" in portion.answered.fields:
        return 10 if portion.answered.task.kind == "value" else WIDE
    longest = max((cell_len(shown(name)) for name in portion.answered.classes), default=24)
    return min(max(longest, 4), 24)


def shown(text: str) -> str:
    """A text as one line that a terminal shows as it is: no control characters, no line breaks."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shortened(text: str, width: int) -> str:
    """A text cut to a width in terminal cells, with a sign that it was."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"
