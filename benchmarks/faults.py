"""Runs the fault tests and counts their trials; prints the fault table as Markdown, or as one JSON line.

    python benchmarks/faults.py                     the default lane: minutes
    python benchmarks/faults.py --lane slow         the slow lane: most of an hour
    python benchmarks/faults.py --lane both --json
    python benchmarks/faults.py --lane both -k power

A trial injects one fault, or several into one run. It is survived when the run ended as the run without the fault, to
the last bit of weights, scores, predictions and history, or, where a class says so, when it was refused in words. The
exit code is 1 when a trial was not survived.
"""

import argparse
import json
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1] / "tests" / "resume"
sys.path.insert(0, str(TESTS))

from fault_count import CLASSES, Counting  # noqa: E402

LANES = {"default": "not slow", "slow": "slow", "both": "slow or not slow"}


def table(counting: Counting, lanes: list[str]) -> list[dict[str, str | int]]:
    """A row for each class that was tried: its name, how it is injected, trials and survivals by lane, test files."""
    made = []
    for name, how in CLASSES.items():
        found = {key: row for key, row in counting.rows.items() if key[0] == name}
        if not found:
            continue
        row: dict[str, str | int] = {"class": name, "injected": how}
        for lane in lanes:
            counts = [count for (_, _, of), count in found.items() if of == lane]
            row[f"{lane} times"] = sum(count[0] for count in counts)
            row[f"{lane} survived"] = sum(count[1] for count in counts)
        made.append(row | {"test": ", ".join(sorted({file for _, file, _ in found}))})
    return made


def markdown(rows: list[dict[str, str | int]], lanes: list[str]) -> str:
    """The table as the documentation shows it, with the sums below."""
    counts = [f"{lane} {what}" for lane in lanes for what in ("times", "survived")]
    head = ["class", "injected", *counts, "test"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in rows:
        lines.append("| " + " | ".join(f"{row[name]:,}" if name in counts else str(row[name]) for name in head) + " |")
    sums = [f"**{sum(int(row[name]) for row in rows):,}**" for name in counts]
    return "\n".join([*lines, "| **all** | | " + " | ".join(sums) + " | |"])


def main() -> int:
    """Run the tests of the lanes asked for and print their table; 0 when every test passed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--lane", choices=LANES, default="default")
    asked.add_argument("--json", action="store_true", help="one JSON line instead of the table")
    asked.add_argument("-k", default="", help="only tests whose names fit, as in pytest")
    given = asked.parse_args()
    counting = Counting()
    code = pytest.main(
        ["-q", "-p", "no:cacheprovider", "-m", f"fault and ({LANES[given.lane]})", "-k", given.k, str(TESTS)],
        plugins=[counting],
    )
    lanes = ["default", "slow"] if given.lane == "both" else [given.lane]
    rows = table(counting, lanes)
    print(json.dumps(rows) if given.json else markdown(rows, lanes))
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
