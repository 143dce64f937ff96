"""Writes the same rows in every format, for the tests of the readers."""

import csv
import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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


def write_conll(path: Path, rows: Rows) -> Path:
    """Every token of a text has its label as tag."""
    sentences = ["".join(f"{token}\t{label}\n" for token in text.split(" ")) for text, label in rows]
    path.write_bytes("\n".join(sentences).encode("utf-8"))
    return path


def write_squad(path: Path, rows: Rows) -> Path:
    """The label is the question about the text; three passages an article."""
    passages = [
        {"context": text, "qas": [{"id": str(number), "question": label, "answers": []}]}
        for number, (text, label) in enumerate(rows)
    ]
    articles = [{"title": f"t{at}", "paragraphs": passages[at : at + 3]} for at in range(0, len(passages), 3)]
    path.write_text(json.dumps({"version": 1.1, "data": articles}), encoding="utf-8")
    return path


def write_brat(path: Path, rows: Rows) -> Path:
    """The label is that of a span over the whole text."""
    path.mkdir()
    for number, (text, label) in enumerate(rows):
        (path / f"{number:04}.txt").write_bytes(text.encode("utf-8"))
        (path / f"{number:04}.ann").write_bytes(f"T1\t{label} 0 {len(text)}\t{text}\n".encode())
    return path


def write_label_studio(path: Path, rows: Rows) -> Path:
    tasks = [
        {
            "id": number,
            "data": {"text": text},
            "annotations": [{"result": [{"from_name": "q", "type": "choices", "value": {"choices": [label]}}]}],
        }
        for number, (text, label) in enumerate(rows)
    ]
    path.write_text(json.dumps(tasks), encoding="utf-8")
    return path


def write_fasttext(path: Path, rows: Rows) -> Path:
    path.write_bytes("".join(f"__label__{label} {text}\n" for text, label in rows).encode("utf-8"))
    return path


def write_lines(path: Path, rows: Rows) -> Path:
    """The label is the last word of the text."""
    path.write_bytes("".join(f"{text} {label}\n" for text, label in rows).encode("utf-8"))
    return path


def write_folder(path: Path, rows: Rows) -> Path:
    path.mkdir()
    write_csv(path / "my_train.csv", rows)
    (path / "README.md").write_text("what it is", encoding="utf-8")
    return path


def pair_of(row: dict[str, Any]) -> tuple[str, str]:
    """The text and the label that a row was written from."""
    if "tokens" in row:
        return " ".join(row["tokens"]), row["tags"][0]
    if "context" in row:
        return row["context"], row["question"]
    if "spans" in row:
        return row["text"], row["spans"][0]["label"]
    if set(row) == {"text"}:
        text, label = row["text"].rsplit(" ", 1)
        return text, label
    return (row["text"] if "text" in row else row["sentence"]), row["label"]


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
    "conll": ("rows.conll", write_conll),
    "squad": ("rows.json", write_squad),
    "brat": ("rows", write_brat),
    "label_studio": ("rows.json", write_label_studio),
    "fasttext": ("rows.txt", write_fasttext),
    "lines": ("rows.txt", write_lines),
    "folder": ("rows", write_folder),
}
