"""Kills, damaged checkpoints and SIGTERM on a real model and the demo's messages; prints one JSON line.

    python benchmarks/kill_test.py                                  20 kills, 5 damages, 5 SIGTERMs: about an hour
    python benchmarks/kill_test.py --small --kills 1 --damages 1 --terms 1      the small model of bertune doctor

Every run is a process of its own with a checkpoint at least every 0.05 minutes. `exact` counts the endings whose
weights, scores, predictions and history are those of the unbroken run to the last bit.
"""

import argparse
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import bertune
from bertune.engine.devices import describe_machine
from bertune.runs.endings import differences, ending
from bertune.runs.folder import Folder
from bertune.runs.kill_test import (
    LONGEST,
    Ground,
    damaged,
    killed,
    reached,
    small_ground,
    spawn,
    unbroken,
)

DEMO = Path(bertune.__file__).parent / "demo"


def demo_ground(folder: Path, seed: int, settings: list[str]) -> Ground:
    """minilm and the demo's messages."""
    chosen = ["training.checkpoint_minutes=0.05", *settings]
    sets = [part for setting in chosen for part in ("--set", setting)]
    data = [str(DEMO / "messages.csv"), "--test", str(DEMO / "messages_test.csv"), "--model", "minilm"]
    return Ground(folder, [*data, *sets], spawn, random.Random(seed))


def terminated(ground: Ground, name: str, expected: dict[str, Any], seconds: float) -> dict[str, Any] | None:
    """SIGTERM at a random moment of a run: seconds to its end, exit code, what differs after the resume.

    None where the run had ended before its moment came.
    """
    process, out = ground.train(name)
    after = ground.chance.uniform(0, seconds)
    time.sleep(after)
    if process.poll() is not None:
        return None
    sent = time.perf_counter()
    os.kill(process.pid, signal.SIGTERM)
    code = process.wait(LONGEST)
    took, step = time.perf_counter() - sent, reached(out)
    over = Folder(out).record()["status"] == "done"  # then Python itself was ending, and the signal ends it
    ground.resume(out)
    return {"after": round(after, 2), "step": step, "seconds": round(took, 2), "code": code, "over": over,
            "differs": differences(expected, ending(out))}  # fmt: skip


def tell(what: str) -> None:
    """Progress, on stderr."""
    sys.stderr.write(what + "\n")
    sys.stderr.flush()


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--damages", type=int, default=5)
    parser.add_argument("--terms", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="the small random model of bertune doctor")
    parser.add_argument("--set", action="append", default=[], help="a setting, such as training.epochs=2")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bertune-") as place:
        folder = Path(place)
        ground = small_ground(folder, asked.seed) if asked.small else demo_ground(folder, asked.seed, asked.set)
        expected, seconds = unbroken(ground)
        tell(f"unbroken: {seconds:.1f} s")
        trials = []
        for number in range(asked.kills):
            trials.append(killed(ground, f"killed-{number}", expected, seconds))
            tell(f"kill {number + 1}: {trials[-1]}")
        mended = []
        for number in range(asked.damages):
            mended.append(damaged(ground, f"damaged-{number}", expected))
            tell(f"damage {number + 1}: {mended[-1]}")
        ended = []
        for number in range(asked.terms):
            ended.append(terminated(ground, f"terminated-{number}", expected, seconds))
            tell(f"SIGTERM {number + 1}: {ended[-1]}")
    struck = [e for e in ended if e is not None]
    print(json.dumps({
        "model": "small" if asked.small else "minilm", "settings": asked.set, "unbroken_seconds": round(seconds, 1),
        "steps": sum(e["event"] == "stepped" for e in expected["history"]),
        "kills": len(trials), "exact": sum(t.passed for t in trials), "kill_steps": [t.step for t in trials],
        "damages": len(mended), "recovered": sum(t.passed for t in mended), "damaged": [t.what for t in mended],
        "terms": len(struck), "terms_exact": sum(not e["differs"] and (e["code"] == 3 or e["over"]) for e in struck),
        "term_seconds": [e["seconds"] for e in struck],
        "longest_term_seconds": max((e["seconds"] for e in struck), default=None),
        "median_term_seconds": statistics.median(e["seconds"] for e in struck) if struck else None,
        "machine": describe_machine(), "bertune": bertune.__version__,
    }))  # fmt: skip


if __name__ == "__main__":
    main()
