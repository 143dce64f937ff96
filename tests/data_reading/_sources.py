"""Writes the same rows in every format, for the tests of the readers."""

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Rows = Sequence[tuple[str, str]]


def write_csv(path: Path, rows: Rows, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with open(path, "w", encoding=encoding, newline="") as handle:
        writer = csv.writer(handle, delimiter=delimiter)
        writer.writerow(["text", "label"])
        writer.writerows(rows)
    return path


def as_objects(rows: Rows) -> list[dict[str, str]]:
    return [{"text": text, "label": label} for text, label in rows]


def write_jsonl(path: Path, rows: Rows) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in as_objects(rows)]
    path.write_bytes("".join(lines).encode("utf-8"))
    return path


def write_json(path: Path, rows: Rows) -> Path:
    path.write_bytes(json.dumps(as_objects(rows), ensure_ascii=False, indent=1).encode("utf-8"))
    return path


def write_parquet(path: Path, rows: Rows) -> Path:
    columns = {
        "text": pa.array([t for t, _ in rows], pa.string()),
        "label": pa.array([c for _, c in rows], pa.string()),
    }
    pq.write_table(pa.table(columns), path)
    return path


def write_excel(path: Path, rows: Rows) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["text", "label"])
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def write_class_folder(path: Path, rows: Rows) -> Path:
    for number, (text, label) in enumerate(rows):
        (path / label).mkdir(parents=True, exist_ok=True)
        (path / label / f"{number:04}.txt").write_bytes(text.encode("utf-8"))
    return path


def write_glue(path: Path, rows: Rows) -> Path:
    path.mkdir()
    lines = ["sentence\tlabel", *(f"{text}\t{label}" for text, label in rows)]
    (path / "train.tsv").write_bytes("\n".join([*lines, ""]).encode("utf-8"))
    return path


def write_hub(path: Path, rows: Rows) -> Path:
    (path / "data").mkdir(parents=True)
    write_parquet(path / "data" / "train-00000-of-00001.parquet", rows)
    return path


def packed(path: Path) -> Path:
    target = path.with_name(path.name + ".gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


WRITERS: dict[str, tuple[str, Callable[[Path, Rows], Path]]] = {
    "csv": ("rows.csv", write_csv),
    "jsonl": ("rows.jsonl", write_jsonl),
    "json": ("rows.json", write_json),
    "parquet": ("rows.parquet", write_parquet),
    "excel": ("rows.xlsx", write_excel),
    "class_folder": ("rows", write_class_folder),
    "glue": ("rows", write_glue),
    "hub": ("rows", write_hub),
}
