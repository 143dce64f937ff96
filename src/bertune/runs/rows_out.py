"""Rows on their way into a file: Parquet, CSV or JSON Lines."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bertune.base.files import FILES
from bertune.runs.answers import harmless
from bertune.runs.finish import write_parquet


def write_rows(out: Path, columns: Mapping[str, Any]) -> None:
    """Columns (Arrow arrays) as a file of the format that its suffix says, complete or absent."""
    if out.suffix.lower() == ".parquet":
        write_parquet(out, columns)
        return
    rows = zip(*(column.to_pylist() for column in columns.values()), strict=True)
    if out.suffix.lower() == ".jsonl":
        lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) + "\n" for row in rows)
        FILES.write(out, (line.encode("utf-8", "backslashreplace") for line in lines))
        return
    page = io.StringIO(newline="")
    writer = csv.writer(page)
    writer.writerow(list(columns))
    for row in rows:
        writer.writerow([harmless(value) for value in row])
    FILES.write(out, [page.getvalue().encode("utf-8", "backslashreplace")])
