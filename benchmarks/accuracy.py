"""Accuracy with the defaults, nothing tuned for the set: several seeds, test rows never used for choosing.

    python benchmarks/accuracy.py --sets sst2 banking77 rte sms --seeds 0 1 2

Prints one JSON line a run and a table at the end. rte has no test file with labels: its development file is the test
file here, and validation rows are cut from its training file. sms has one file: a fifth is held out for testing.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path

from bertune.runs.ask import ask
from bertune.runs.train import train

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {
    "sst2": ({"data": "sst2_sentences/train.parquet", "valid": "sst2_sentences/dev.parquet",
              "test": "sst2_sentences/test.parquet"}, [], "accuracy"),
    "banking77": ({"data": "banking77/train.parquet", "test": "banking77/test.parquet"}, [], "accuracy"),
    "rte": ({"data": "rte/train.parquet", "test": "rte/dev.parquet"}, [], "accuracy"),
    "sms": ({"data": "sms_spam/all.parquet"}, ["data.split.test_share=0.2"], "macro_f1"),
}  # fmt: skip


def run(name: str, seed: int, settings: list[str], keep: Path | None) -> dict:
    """One run with the defaults; gives the test scores."""
    files, fixed, metric = SETS[name]
    flags = {flag: str(DATA / path) for flag, path in files.items()} | {"seed": seed}
    with tempfile.TemporaryDirectory() as scratch:
        out = (keep / f"{name}-{seed}") if keep else Path(scratch) / "run"
        folder = train(ask(flags, [*fixed, *settings]), out)
        scores, record = json.loads(folder.scores.read_text()), folder.record()
    return {
        "set": name, "seed": seed, "metric": metric, "value": scores["test"][metric]["value"],
        "interval": [scores["test"][metric]["low"], scores["test"][metric]["high"]], "n": scores["test"][metric]["n"],
        "macro_f1": scores["test"]["macro_f1"]["value"], "valid": scores["valid"][metric]["value"],
        "tfidf": scores["baselines"]["tfidf"][metric]["value"], "ece": scores["calibration"]["after"]["ece"],
        "plan": record["plan"], "best": record["best"], "stopped": record["stopped"], "restarts": record["restarts"],
        "speed": record["speed"], "seconds": record["seconds"],
    }  # fmt: skip


def main() -> None:
    """Run every set with every seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="key=value")
    parser.add_argument("--keep", type=Path, help="folder that keeps the runs")
    asked = parser.parse_args()
    results: dict[str, list[dict]] = {}
    for name in asked.sets:
        for seed in asked.seeds:
            result = run(name, seed, asked.settings, asked.keep)
            results.setdefault(name, []).append(result)
            print(json.dumps(result), flush=True)
    for name, found in results.items():
        values = [r["value"] for r in found]
        shown = " ".join(f"{v:.4f}" for v in values)
        print(f"{name:<10} {found[0]['metric']:<9} {shown}   mean {statistics.mean(values):.4f}")


if __name__ == "__main__":
    main()
