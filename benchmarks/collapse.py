"""Is every collapsed run noticed, and does its second attempt recover? Prints JSON lines and a table.

    python benchmarks/collapse.py --rates 1e-3 3e-3 1e-2 --seeds 0 1 2 3 4

200 rows of rte, another 200 for validation, the development file for testing. For each rate and seed two runs: one in
which nothing is noticed, which shows whether the run collapses (at its end all test rows get one class), and one as
users have it. `noticed` is the epoch of the check that stopped the first attempt; `recovered` says that the model of
the second gives more than one class to the test rows and that its logits depend on the text.
"""

import argparse
import json
import tempfile
from pathlib import Path

import polars as pl

from bertune.engine.callbacks import trouble
from bertune.runs.ask import ask
from bertune.runs.folder import Folder
from bertune.runs.train import train

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "rte"
ROWS = 200
PLAIN = [
    "training.seeds=1",
    "evaluation.baselines=false",
    "evaluation.suspects=false",
    "evaluation.early_stopping=false",
]
LIMITS = trouble.DEAD, trouble.FEWEST_UPDATES


def run(place: Path, rate: float, seed: int, watched: bool, settings: list[str]) -> Folder:
    """A run with or without an eye on collapse."""
    trouble.DEAD, trouble.FEWEST_UPDATES = LIMITS if watched else (-1.0, 10**9)  # no spread is below a negative one
    flags = {"data": str(place / "train.parquet"), "valid": str(place / "valid.parquet"),
             "test": str(DATA / "dev.parquet"), "seed": seed}  # fmt: skip
    try:
        recipe = ask(flags, [*PLAIN, f"optimizer.learning_rate={rate}", *settings])
        return train(recipe, place / f"run-{watched}", report=False)
    finally:
        trouble.DEAD, trouble.FEWEST_UPDATES = LIMITS


def guessed(folder: Folder) -> int:
    """How many classes the model gives to the test rows."""
    return int(pl.read_parquet(folder.path / "predictions" / "test.parquet")["prediction"].n_unique())


def line(rate: float, seed: int, settings: list[str]) -> dict:
    """Both runs of a rate and a seed."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        rows = pl.read_parquet(DATA / "train.parquet").sample(fraction=1.0, shuffle=True, seed=seed)
        rows.head(ROWS).write_parquet(place / "train.parquet")
        rows.slice(ROWS, ROWS).write_parquet(place / "valid.parquet")
        blind = run(place, rate, seed, False, settings)
        seen = run(place, rate, seed, True, settings)
        events = [json.loads(e) for e in seen.history.read_text(encoding="utf-8").splitlines()]
        checks = [e for e in events if e["event"] == "evaluated"]
        restarts = seen.record()["restarts"]
        accuracy = json.loads(seen.scores.read_text())["test"]["accuracy"]["value"]
        noticed = next((e["epoch"] for e in checks if restarts and e["step"] == restarts[0]["step"]), None)
        return {
            "rate": rate, "seed": seed, "collapsed": guessed(blind) == 1, "noticed": noticed,
            "cure": restarts[0]["cure"] if restarts else None, "spread": checks[-1]["spread"],
            "classes": guessed(seen), "accuracy": round(accuracy, 4), "stopped": seen.record()["stopped"],
            "recovered": bool(restarts) and guessed(seen) > 1 and checks[-1]["spread"] > trouble.ALIVE,
        }  # fmt: skip


def main() -> None:
    """Every rate with every seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", nargs="+", type=float, default=[1e-3, 3e-3, 1e-2])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="key=value")
    asked = parser.parse_args()
    lines = []
    for rate in asked.rates:
        for seed in asked.seeds:
            lines.append(line(rate, seed, asked.settings))
            print(json.dumps(lines[-1]), flush=True)
    for rate in asked.rates:
        own = [x for x in lines if x["rate"] == rate]
        fallen = [x for x in own if x["collapsed"]]
        print(f"{rate:.0e}: {len(fallen)} of {len(own)} collapsed, {sum(x['noticed'] is not None for x in fallen)} of "
              f"these noticed, {sum(x['recovered'] for x in fallen)} recovered; "
              f"{sum(x['noticed'] is not None for x in own if not x['collapsed'])} others restarted")  # fmt: skip


if __name__ == "__main__":
    main()
