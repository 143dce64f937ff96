"""How often the 95 % interval of a metric holds the score on all rows; prints JSON lines and a table.

    python benchmarks/intervals.py --sets banking77 imdb --sizes 100 200 500 1000 --seeds 0 1 2

The population is a test set with the answers of a cheap model (see answers.py). From it 200 test sets of each size are
drawn with replacement, for each seed anew; `held` is the share of them whose interval holds the score on the whole
population, `least` and `most` the same for single seeds, `below` and `above` how often the truth lay there. The method
was chosen on the sets of CHOOSING, figures are reported on those of REPORTING. Metrics that judge no classes have made
populations of their kind: `--sets "synthetic values" --metrics pearson spearman rmse`. `--speed` times intervals on
many rows.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
from answers import CHOOSING, DATA, OTHER_KINDS, REPORTING, population

from bertune.base import registry
from bertune.base.types import Judged
from bertune.evaluate.intervals import interval


def coverage(judged: Judged, metric: str, size: int, asked: argparse.Namespace) -> dict:
    """How often the interval held the score of the population, over all seeds."""
    part = registry.load("metrics", metric)()
    truth = part(judged)
    held, below, above, widths = [], 0, 0, []
    for seed in asked.seeds:
        chance = np.random.default_rng([seed, size])
        misses = 0
        for trial in range(asked.trials):
            sample = judged.take(chance.integers(0, len(judged), size))
            found = interval(part, sample, asked.resamples, seed * asked.trials + trial)
            below += truth < found.low
            above += truth > found.high
            misses += not found.low <= truth <= found.high
            widths.append(found.high - found.low)
        held.append(100 * (1 - misses / asked.trials))
    trials = asked.trials * len(asked.seeds)
    return {
        "metric": metric, "rows": size, "truth": round(truth, 4), "trials": trials, "held": round(np.mean(held), 1),
        "least": round(min(held), 1), "most": round(max(held), 1), "below": round(100 * below / trials, 1),
        "above": round(100 * above / trials, 1), "width": round(float(np.mean(widths)), 4),
    }  # fmt: skip


def speed(rows: int, classes: int, metrics: list[str], resamples: int) -> None:
    """Seconds and memory of each metric's interval on many rows."""
    chance = np.random.default_rng(0)
    logits = chance.normal(0, 2.5, (rows, classes)).astype(np.float32)
    given = np.exp(logits.astype(np.float64))
    given /= given.sum(axis=1, keepdims=True)
    gold = np.where(chance.random(rows) < 0.9, given.argmax(axis=1), chance.integers(0, classes, rows))
    judged = Judged(gold, given.argmax(axis=1), given, tuple(map(str, range(classes))))
    for metric in metrics:
        began = time.perf_counter()
        interval(registry.load("metrics", metric)(), judged, resamples, 0)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps({"rows": rows, "classes": classes, "metric": metric,
                          "seconds": round(time.perf_counter() - began, 2), "peak GB": round(peak, 2)}))  # fmt: skip


def main() -> None:
    """Measure every set, metric and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(REPORTING), choices=[*CHOOSING, *REPORTING, *OTHER_KINDS])
    parser.add_argument("--metrics", nargs="+", default=["accuracy", "macro_f1", "calibration_error"])
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 200, 500, 1000])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public sets")
    parser.add_argument("--speed", nargs=2, type=int, metavar=("ROWS", "CLASSES"))
    asked = parser.parse_args()
    if asked.speed:
        speed(*asked.speed, asked.metrics, asked.resamples)
        return
    lines = []
    for name in asked.sets:
        judged = population(name, asked.data)
        for metric in asked.metrics:
            for size in asked.sizes:
                found = coverage(judged, metric, size, asked)
                print(json.dumps({"set": name} | found), flush=True)
                lines.append(f"| {name} | {metric} | {found['truth']} | {size} | {found['held']} | {found['least']} to "
                             f"{found['most']} | {found['below']} | {found['above']} | {found['width']} |")  # fmt: skip
    print("\n".join(["| set | metric | truth | rows | held, % | single seeds | below | above | width |",
                     "|---|---|---|---|---|---|---|---|---|", *lines]))  # fmt: skip


if __name__ == "__main__":
    main()
