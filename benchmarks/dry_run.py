"""Is the bill of a dry run true? Asks for the bill, then makes the run, and compares.

    python benchmarks/dry_run.py DATA [--model M] [--set section.key=value ...] [--out FOLDER]

Bill and run are made in processes of their own, so that neither warms the other's caches or memory. Early stopping is
off in both: the bill is for all steps. The run's seconds are those it records, without the start of Python. Prints one
JSON line: seconds, memory and disk, each estimated, measured, and the estimate's error as a share. The machine must be
idle for the figures to mean anything.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil


def main() -> None:
    """Compare for the arguments given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("--model")
    parser.add_argument("--set", action="append", default=[], metavar="section.key=value")
    parser.add_argument("--out", help="keep the run here")
    given = parser.parse_args()
    load = psutil.getloadavg()[0]
    command = [sys.executable, "-c", "from bertune.cli.main import run; run()", "train", given.data, "--json"]
    command += ["--model", given.model] if given.model else []
    for setting in ["evaluation.early_stopping=false", "training.keep_checkpoints=true", *given.set]:
        command += ["--set", setting]
    with tempfile.TemporaryDirectory() as place:
        out = Path(given.out or Path(place) / "run")
        bill = _bill([*command, "--dry-run"])
        memory, disk = _run([*command, "--out", str(out)], out)
        seconds = json.loads((out / "run.json").read_text(encoding="utf-8"))["seconds"]
    record = {"data": Path(given.data).name, "set": given.set, "load_before": round(load, 2), "steps": bill["steps"]}
    record["seconds"] = _compared(bill["seconds"], seconds)
    record["memory_bytes"] = _compared(bill["memory_bytes"], memory)
    record["disk_bytes"] = _compared(bill["disk_bytes"], disk)
    record["seconds_of"] = {name: round(value, 1) for name, value in bill["seconds_of"].items()}
    print(json.dumps(record))


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
