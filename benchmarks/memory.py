"""Peak memory of a whole training run on many rows.

    python benchmarks/memory.py --rows 200000 --steps 60
    python benchmarks/memory.py --rows 400000 --words 400 --steps 20    # 1 GB of text: what is mapped from disk counts
    python benchmarks/memory.py --rows 1000000 --judged 2000 --steps 30    # a million rows to learn from

Writes a CSV of short messages, trains with `bertune train` in a process of its own for a part of an epoch, with every
check, baseline and the report on, and prints the peak memory of that process in GB (2^30 bytes): all that is resident,
and of that what is its own (`own`: without the pages of mapped files, which the system takes back when it needs them).
With `--judged`, validation and test rows are files of their own, of so many rows each; else a fifth of the rows.
"""

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

WORDS = Path(__file__).resolve().parents[1] / "src" / "bertune" / "demo" / "messages.csv"


def messages(rows: int, most: int, seed: int = 0) -> Iterator[tuple[str, str]]:
    """Texts of 7 to `most` words drawn from the demo's words, and one of two labels that the words give away."""
    chance = random.Random(seed)
    with open(WORDS, newline="", encoding="utf-8") as handle:
        words = sorted({w for row in csv.DictReader(handle) for w in row["message"].lower().split()})
    half = len(words) // 2
    for _ in range(rows):
        label = chance.random() < 0.5
        own = words[:half] if label else words[half:]
        text = " ".join(chance.choices(words, k=chance.randint(4, most - 3)) + chance.choices(own, k=3))
        yield text, "yes" if label else "no"


def write(path: Path, rows: int, most: int, seed: int = 0) -> None:
    """Write such rows as CSV."""
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        writer.writerows(messages(rows, most, seed))


def own_bytes(process: int) -> int:
    """Resident bytes that belong to no file; 0 where the system does not tell them or the process has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))


def main() -> None:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--steps", type=int, default=60, help="updates, of 32 rows each")
    parser.add_argument("--words", type=int, default=23, help="most words of a row")
    parser.add_argument("--judged", type=int, default=0, help="validation rows, and test rows, in files of their own")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "rows.csv"
        write(data, asked.rows, asked.words)
        size = data.stat().st_size / 2**30
        others = {name: Path(scratch) / f"{name}.csv" for name in ("valid", "test") if asked.judged}
        for seed, path in enumerate(others.values(), 1):
            write(path, asked.judged, asked.words, seed)
        epochs = asked.steps * 32 / (asked.rows * (1.0 if others else 0.8))
        command = [sys.executable, "-m", "bertune", "train", str(data), "--out", str(Path(scratch) / "run"),
                   "--set", f"training.epochs={epochs}", "--set", "training.batch_size=32", "--json"]  # fmt: skip
        command += [part for name, path in others.items() for part in (f"--{name}", str(path))]
        with open(Path(scratch) / "log", "w", encoding="utf-8") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            own = 0
            while process.poll() is None:
                own = max(own, own_bytes(process.pid))
                time.sleep(0.05)
        said = (Path(scratch) / "log").read_text(encoding="utf-8")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(json.dumps({"rows": asked.rows, "file_gb": round(size, 3), "exit": process.returncode,
                      "peak_gb": round(peak, 3), "own_gb": round(own / 2**30, 3)}))  # fmt: skip
    if process.returncode:
        print(said[-2000:])


if __name__ == "__main__":
    main()
