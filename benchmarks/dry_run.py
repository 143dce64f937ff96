"""Is the bill of a dry run true? Asks for the bill, then makes the run, and compares.

    python benchmarks/dry_run.py --table                 12 combinations of data, length, batch, freezing and precision
    python benchmarks/dry_run.py --table --load 1        the same while a process keeps a processor busy
    python benchmarks/dry_run.py DATA [--model M] [--set section.key=value ...] [--out FOLDER]

Bill and run are made in processes of their own, so that neither warms the other's caches or memory. Early stopping is
off in both: the bill is for all steps. The run's seconds are those it records, without the start of Python. Prints one
JSON line a run: seconds, memory and disk, each estimated, measured, and the estimate's error as a share. The machine
must be idle, but for --load, for the figures to mean anything.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
COMBINATIONS: list[tuple[str, list[str]]] = [
    ("sms_spam/all.parquet", ["training.epochs=1"]),
    ("sms_spam/all.parquet", ["training.epochs=1", "model.max_length=32", "training.batch_size=64"]),
    ("sms_spam/all.parquet", ["training.epochs=2", "model.train=head"]),
    ("sms_spam/all.parquet", ["training.epochs=1", "model.train=top", "training.precision=fp32"]),
    ("banking77/train.parquet", ["training.epochs=1"]),
    ("banking77/train.parquet", ["training.epochs=0.5", "training.precision=fp32", "training.batch_size=16"]),
    ("banking77/train.parquet", ["training.epochs=1", "model.train=top"]),
    ("rte/train.parquet", ["training.epochs=1"]),
    ("rte/train.parquet", ["training.epochs=0.5", "training.precision=fp32", "training.batch_size=8"]),
    ("imdb_sample/train.parquet", ["training.epochs=0.3"]),
    ("imdb_sample/train.parquet", ["training.epochs=1", "model.max_length=128"]),
    ("imdb_sample/train.parquet", ["training.epochs=0.5", "model.max_length=256", "training.micro_batch_size=4"]),
]


def main() -> None:
    """Compare for the arguments given, or for the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="?")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--load", type=int, default=0, help="busy processes beside it")
    parser.add_argument("--model")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    parser.add_argument("--out", help="keep the run here")
    given = parser.parse_args()
    if given.table == bool(given.data):
        parser.error("give DATA or --table")
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(given.load)]
    try:
        if not given.table:
            compare(given.data, given.model, given.set, given.out)
            return
        lines = [compare(str(DATA / data), None, [*settings, *given.set], None) for data, settings in COMBINATIONS]
    finally:
        for process in busy:
            process.kill()
    for what, limit in (("seconds", 0.2), ("memory_bytes", 0.1)):
        errors = [line[what]["error"] for line in lines]
        print(f"{what}: {sum(abs(e) <= limit for e in errors)} of {len(errors)} within {limit:.0%}, "
              f"from {min(errors):+.1%} to {max(errors):+.1%}")  # fmt: skip


def compare(data: str, model: str | None, settings: list[str], folder: str | None) -> dict:
    """Bill and run of one recipe, printed and given."""
    load = psutil.getloadavg()[0]
    command = [sys.executable, "-c", "from bertune.cli.main import run; run()", "train", data, "--json"]
    command += ["--model", model] if model else []
    for setting in ["evaluation.early_stopping=false", "training.keep_checkpoints=true", *settings]:
        command += ["--set", setting]
    with tempfile.TemporaryDirectory() as place:
        out = Path(folder or Path(place) / "run")
        bill = _bill([*command, "--dry-run"])
        memory, disk = _run([*command, "--out", str(out)], out)
        seconds = json.loads((out / "run.json").read_text(encoding="utf-8"))["seconds"]
    record = {
        "data": "/".join(Path(data).parts[-2:]),
        "set": settings,
        "load_before": round(load, 2),
        "steps": bill["steps"],
    }
    record["seconds"] = _compared(bill["seconds"], seconds)
    record["memory_bytes"] = _compared(bill["memory_bytes"], memory)
    record["disk_bytes"] = _compared(bill["disk_bytes"], disk)
    record["seconds_of"] = {name: round(value, 1) for name, value in bill["seconds_of"].items()}
    print(json.dumps(record), flush=True)
    return record


def _compared(estimate: float, measured: float) -> dict[str, float]:
    return {
        "estimate": round(estimate, 1),
        "measured": round(measured, 1),
        "error": round(estimate / measured - 1, 3),
    }


def _bill(command: list[str]) -> dict:
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return next(line for line in map(json.loads, out.splitlines()) if line.get("topic") == "bill")


def _run(command: list[str], out: Path) -> tuple[int, int]:
    """(highest resident memory, highest size of the run folder) in bytes while the run goes on."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    watched, memory, disk = psutil.Process(process.pid), 0, 0
    while process.poll() is None:
        try:
            memory = max(memory, watched.memory_info().rss)
            disk = max(disk, sum(f.stat().st_size for f in out.rglob("*") if f.is_file()))
        except (psutil.Error, FileNotFoundError):
            pass  # a file or the process went away between two looks
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"the run failed with exit code {process.returncode}")
    return memory, disk


if __name__ == "__main__":
    main()
