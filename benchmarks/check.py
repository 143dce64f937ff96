"""How long `bertune check` takes for many real rows, and how much memory.

    python benchmarks/check.py --rows 100000

The rows are comments (goemotions), paragraphs of books (mlm_english) and sentences (imdb_sample, sst2_sentences, rte),
mixed, labelled by where they come from, written as a CSV file. Prints one JSON line: seconds of the whole command,
start included, and the peak memory of its process in GB (2^30 bytes).
"""

import argparse
import csv
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SENTENCE = re.compile(r"(?<=[.!?])\s+")


def texts(name: str, column: str = "text") -> list[str]:
    """The texts of a set's training file."""
    return [str(t) for t in pq.read_table(DATA / name / "train.parquet", columns=[column])[column].to_pylist()]


def write(path: Path, rows: int) -> int:
    """Write that many rows, fewer where there are no more, and give their number."""
    reviews = [s for t in texts("imdb_sample") for s in SENTENCE.split(t) if len(s) > 10]
    every = [(t, "comment") for t in texts("goemotions")] + [(t, "book") for t in texts("mlm_english")]
    every += [(t, "sentence") for t in reviews + texts("sst2_sentences", "sentence") + texts("rte", "premise")]
    random.Random(0).shuffle(every)
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        writer.writerows(every[:rows])
    return min(rows, len(every))


def main() -> None:
    """Check and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "rows.csv"
        rows = write(data, asked.rows)
        start = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "bertune", "check", str(data), "--json"],
                              check=False, capture_output=True, text=True)  # fmt: skip
        seconds = time.perf_counter() - start
        size = data.stat().st_size / 2**20
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(json.dumps({"rows": rows, "file_mb": round(size, 1), "exit": done.returncode, "seconds": round(seconds, 1),
                      "peak_gb": round(peak, 3)}))  # fmt: skip
    if done.returncode > 2:
        print(done.stderr[-2000:])


if __name__ == "__main__":
    main()
