"""How often two models that differ by nothing are called different, and whether the rows asked for do tell.

    python benchmarks/compare_null.py --sets banking77 imdb --sizes 50 100 300 1000 --seeds 0 1 2

Two cheap models answer a test set (see answers.py). In each trial rows are drawn with replacement, and in each row the
two models change places by the toss of a coin: none can be better, whatever the metric. `called` is the share of
trials that end with better or worse. The second table leaves them in their places; `--swap 0.3` makes the difference
smaller. Where compare cannot tell, it says how many more rows would; so many are drawn anew, and `told` is the share
of these in which compare then tells.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from answers import CHOOSING, DATA, REPORTING, population

from bertune.base import registry
from bertune.base.types import Judged
from bertune.evaluate.intervals import difference, verdict
from bertune.runs.compare import rows_needed

METRICS = ("accuracy", "macro_f1", "weighted_f1", "balanced_accuracy", "matthews", "f1_of_rarest", "log_loss", "brier",
           "calibration_error", "auroc", "average_precision")  # fmt: skip
MOST_ROWS = 20_000


def drawn(pair: tuple[Judged, Judged], rows: int, swap: float, chance: np.random.Generator) -> tuple[Judged, Judged]:
    """Rows drawn with replacement, the answers of the two exchanged in a share of them."""
    at = chance.integers(0, len(pair[0]), rows)
    one, two = (judged.take(at) for judged in pair)
    turn = chance.random(rows) < swap
    return tuple(
        Judged(one.gold, np.where(turn, b.guess, a.guess), np.where(turn[:, None], b.probabilities, a.probabilities),
               one.classes)
        for a, b in ((one, two), (two, one))
    )  # fmt: skip


def null(pair: tuple[Judged, Judged], metric: str, rows: int, asked: argparse.Namespace) -> dict:
    """How often two equal models are called different, by seed."""
    part = registry.load("metrics", metric)()
    called = []
    for seed in asked.seeds:
        chance = np.random.default_rng([seed, rows])
        found = [
            verdict(difference(part, *drawn(pair, rows, 0.5, chance), asked.resamples, trial), part.best)
            for trial in range(asked.trials)
        ]
        called.append(100 * float(np.mean([told != "cannot tell" for told in found])))
    return {"metric": metric, "rows": rows, "trials": asked.trials * len(called),
            "called": round(float(np.mean(called)), 1),
            "least": round(min(called), 1), "most": round(max(called), 1)}  # fmt: skip


def power(pair: tuple[Judged, Judged], metric: str, rows: int, asked: argparse.Namespace) -> dict:
    """How often the rows that compare asks for do tell."""
    part = registry.load("metrics", metric)()
    told, more, tried = [], [], 0
    for seed in asked.seeds:
        chance = np.random.default_rng([seed, rows, 1])
        for trial in range(asked.trials):
            first = difference(part, *drawn(pair, rows, asked.swap, chance), asked.resamples, trial)
            needed = rows_needed(first, verdict(first, part.best))
            tried += 1
            if needed is None or rows + needed > MOST_ROWS:
                continue
            again = drawn(pair, rows + needed, asked.swap, chance)
            told.append(verdict(difference(part, *again, asked.resamples, trial), part.best) != "cannot tell")
            more.append(needed)
    return {"metric": metric, "rows": rows, "trials": tried, "could not tell": len(told),
            "median rows asked for": int(np.median(more)) if more else None,
            "told": round(100 * float(np.mean(told)), 1) if told else None}  # fmt: skip


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["banking77", "imdb", "chnsenticorp"],
                        choices=[*CHOOSING, *REPORTING])  # fmt: skip
    parser.add_argument("--metrics", nargs="+", default=list(METRICS), choices=METRICS)
    parser.add_argument("--sizes", nargs="+", type=int, default=[50, 100, 300, 1000])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--strengths", nargs=2, type=float, default=[10.0, 1.0], help="of the two models")
    parser.add_argument("--swap", type=float, default=0.0)
    parser.add_argument("--only", choices=["null", "power"])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the public sets")
    asked = parser.parse_args()
    for name in asked.sets:
        pair = tuple(population(name, asked.data, strength) for strength in asked.strengths)
        for metric in asked.metrics:
            part = registry.load("metrics", metric)()
            about = {"set": name, "a": round(part(pair[0]), 4), "b": round(part(pair[1]), 4)}
            for rows in asked.sizes:
                for what in (null, power):
                    if asked.only in (None, what.__name__):
                        print(json.dumps(about | {"what": what.__name__} | what(pair, metric, rows, asked)), flush=True)


if __name__ == "__main__":
    main()
