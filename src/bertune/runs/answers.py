"""Answers on their way out: to a Parquet, CSV or JSON Lines file, or to the terminal."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from rich.cells import cell_len, set_cell_size

from bertune.base.errors import DataError
from bertune.base.files import FILES
from bertune.base.wording import harmless_json
from bertune.runs.new_rows import NewRows

if TYPE_CHECKING:
    from bertune.runs.predict import Answered

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # full-width ones too, in East Asia
WIDTH = 80


@dataclass(frozen=True, eq=False)
class Portion:
    """Some rows with the answers to them."""

    rows: NewRows
    answered: "Answered"

    def entries(self) -> Iterator[dict[str, Any]]:
        """One entry a row: row, file and label where known, prediction, probability, probabilities {label: p}.

        `problem` says why a row was not answered; only then it is there, and the answer is None.
        """
        rows, answered = self.rows, self.answered
        for i, problem in enumerate(answered.problems):
            entry: dict[str, Any] = {"row": int(rows.row[i])}
            if rows.files is not None:
                entry["file"] = rows.files[i]
            if rows.labels is not None:
                entry["label"] = rows.labels[i]
            if problem is None:
                guess, chances = int(answered.guess[i]), answered.probabilities[i].tolist()
                entry |= {"prediction": answered.classes[guess], "probability": chances[guess]}
                yield entry | {"probabilities": dict(zip(answered.classes, chances, strict=True))}
            else:
                yield entry | {"prediction": None, "probability": None, "probabilities": None, "problem": problem}


def check_out(out: Path, data: str) -> None:
    """Refuses a place to write that cannot be meant, before anything is computed. Raises DataError."""
    if out.suffix.lower() not in WRITERS:
        raise DataError(
            "answers are not written in this format.", where=str(out), expected=", ".join(WRITERS),
            found=out.suffix or "no suffix",
        )  # fmt: skip
    if out.is_dir():
        raise DataError("this is a folder.", where=str(out), expected="the name of a file")
    if data != "-" and out.exists() and Path(data).exists() and out.samefile(data):
        raise DataError("the answers would replace the texts.", where=str(out), next_move="give another --out")


def write(out: Path, portions: Iterable[Portion], classes: tuple[str, ...]) -> None:
    """Write the answers portion by portion, in the format of the suffix; the file appears complete or not at all."""
    try:
        FILES.write(out, WRITERS[out.suffix.lower()](iter(portions), classes))
    except BaseException:
        FILES.remove(out.with_name(out.name + ".partial"))
        raise


def _jsonl(portions: Iterator[Portion], classes: tuple[str, ...]) -> Iterator[bytes]:
    for portion in portions:
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in portion.entries()]
        yield "".join(lines).encode("utf-8", "backslashreplace")


def _csv(portions: Iterator[Portion], classes: tuple[str, ...]) -> Iterator[bytes]:
    for number, portion in enumerate(portions):
        page = io.StringIO(newline="")
        writer = csv.writer(page)  # ends lines with CR LF (RFC 4180), and so quotes a CR in a cell as well
        names = _names(portion.rows)
        if number == 0:
            writer.writerow(names)
        for entry in portion.entries():
            chances = entry["probabilities"]
            entry["probabilities"] = None if chances is None else json.dumps(chances, ensure_ascii=False)
            writer.writerow([harmless(entry.get(name)) for name in names])
        yield page.getvalue().encode("utf-8", "backslashreplace")


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


def _parquet(portions: Iterator[Portion], classes: tuple[str, ...]) -> Iterator[bytes]:
    drain = _Drain()
    writer: pq.ParquetWriter | None = None
    for portion in portions:
        schema = _schema(_names(portion.rows), classes)
        if writer is None:
            writer = pq.ParquetWriter(drain, schema, compression="zstd")
        entries = list(portion.entries())
        for entry in entries:
            entry["probabilities"] = None if entry["probabilities"] is None else list(entry["probabilities"].values())
        writer.write_table(pa.Table.from_pylist(entries, schema))
        yield from drain.take()
    if writer is not None:
        writer.close()
    yield from drain.take()


def _names(rows: NewRows) -> list[str]:
    known = {"file": rows.files is not None, "label": rows.labels is not None}
    names = ("row", "file", "label", "prediction", "probability", "probabilities", "problem")
    return [name for name in names if known.get(name, True)]


def _schema(names: list[str], classes: tuple[str, ...]) -> pa.Schema:
    """The columns of a Parquet file; `probabilities` are in the order of the classes, which the metadata names."""
    kinds = {"row": pa.int64(), "probability": pa.float64(), "probabilities": pa.list_(pa.float64())}
    fields = [pa.field(name, kinds.get(name, pa.string())) for name in names]
    return pa.schema(fields, {"bertune.classes": json.dumps(list(classes), ensure_ascii=False)})


Writer = Callable[[Iterator[Portion], tuple[str, ...]], Iterator[bytes]]
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
    longest = max((cell_len(shown(name)) for name in portion.answered.classes), default=0)
    room = min(max(longest, 4), 24)
    for i, entry in enumerate(portion.entries()):
        text = portion.rows.texts[i] or ""
        pair = portion.rows.pairs[i] if portion.rows.pairs is not None else None
        if entry["prediction"] is None:
            head = set_cell_size("-", room) + "      -"
            text = f"row {entry['row']:,}: {entry['problem']}"
        else:
            head = set_cell_size(shown(entry["prediction"]), room) + f"  {entry['probability']:.3f}"
            text = shown(text[:1000] if pair is None else f"{text[:500]} | {pair[:500]}")
        yield f"{head}  {shortened(text, WIDTH - room - 9)}".rstrip()


def shown(text: str) -> str:
    """A text as one line that a terminal shows as it is: no control characters, no line breaks."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shortened(text: str, width: int) -> str:
    """A text cut to a width in terminal cells, with a sign that it was."""
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"
