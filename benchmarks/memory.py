"""Peak memory of a whole training run on many short rows.

    python benchmarks/memory.py --rows 200000 --steps 60

Writes a CSV of short messages, trains with `bertune train` in a process of its own for a part of an epoch, with every
check, baseline and the report on, and prints the peak resident memory of that process in GB (2^30 bytes).
"""

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

WORDS = Path(__file__).resolve().parents[1] / "src" / "bertune" / "demo" / "messages.csv"


def write(path: Path, rows: int) -> None:
    """Rows of 6 to 24 words drawn from the demo's words, two labels that the words give away."""
    chance = random.Random(0)
    with open(WORDS, newline="", encoding="utf-8") as handle:
        words = sorted({w for row in csv.DictReader(handle) for w in row["message"].lower().split()})
    half = len(words) // 2
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        for _ in range(rows):
            label = chance.random() < 0.5
            own = words[:half] if label else words[half:]
            writer.writerow([" ".join(chance.choices(words, k=chance.randint(4, 20)) + chance.choices(own, k=3)),
                             "yes" if label else "no"])  # fmt: skip


def main() -> None:
    """Train and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--steps", type=int, default=60, help="updates, of 32 rows each")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "rows.csv"
        write(data, asked.rows)
        epochs = asked.steps * 32 / (asked.rows * 0.8)
        command = [sys.executable, "-m", "bertune", "train", str(data), "--out", str(Path(scratch) / "run"),
                   "--set", f"training.epochs={epochs}", "--set", "training.batch_size=32", "--json"]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(json.dumps({"rows": asked.rows, "exit": done.returncode, "peak_gb": round(peak, 3)}))
    if done.returncode:
        print(done.stderr[-2000:])


if __name__ == "__main__":
    main()
