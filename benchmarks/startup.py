"""How long `bertune --help` and `bertune tasks` take: the median of nine starts of each, in seconds.

python benchmarks/startup.py [--limit 0.4]      exit code 1 where a median is above the limit
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

COMMANDS = (["--help"], ["tasks"])
RUNS = 9


def seconds(arguments: list[str]) -> float:
    """The wall time of one start in a new interpreter, which ends with exit code 0."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "bertune", *arguments], check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> int:
    """Measure, print one JSON line a command, and tell whether all medians are below the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=0.4, help="seconds that the median may take")
    limit = parser.parse_args().limit
    slow = False
    for arguments in COMMANDS:
        seconds(arguments)  # the first start may compile and read from a cold disk
        times = sorted(seconds(arguments) for _ in range(RUNS))
        median = statistics.median(times)
        slow = slow or median > limit
        told = {"command": "bertune " + " ".join(arguments), "median": round(median, 3), "fastest": round(times[0], 3),
                "slowest": round(times[-1], 3), "runs": RUNS, "limit": limit}  # fmt: skip
        print(json.dumps(told))
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
