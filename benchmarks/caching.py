"""What keeping the states of frozen layers brings: the second epoch of head-only and top-layer training.

    python benchmarks/caching.py                    sst2_sentences, all-MiniLM-L6-v2, three rounds
    python benchmarks/caching.py --rows 2000        fewer rows

Each round trains two epochs of the same rows with everything, the top two layers, LoRA, and the head, one after the
other in one process; what counts is the median over the rounds of how many times as fast the updates of the second
epoch were. Prints one JSON line a training, then the ratios. The machine must be idle.
"""

import argparse
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

from bertune.engine.events import Stepped
from bertune.runs.ask import ask
from bertune.runs.train import train

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
BATCH = 32
MODES = ("all", "top", "lora", "head")


class Seconds:
    """Sums the seconds of the updates of the second epoch."""

    spent = 0.0

    def on_stepped(self, event: Stepped) -> None:
        """Note an update."""
        if event.epoch > 1:
            self.spent += BATCH / event.texts_per_second


def main() -> None:
    """Rounds of all modes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=str(DATA / "sst2_sentences" / "train.parquet"))
    parser.add_argument("--rows", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="auto")
    given = parser.parse_args()
    ratios: dict[str, list[float]] = {mode: [] for mode in MODES[1:]}
    with tempfile.TemporaryDirectory() as place:
        table = pl.read_parquet(given.data)
        path = Path(place) / "rows.parquet"
        table.head(given.rows or len(table)).write_parquet(path)
        for number in range(given.rounds):
            spent = {mode: one(path, mode, Path(place) / f"{mode}-{number}", given.threads) for mode in MODES}
            for mode, values in ratios.items():
                values.append(spent["all"] / spent[mode])
    for mode, values in ratios.items():
        found = [round(f(values), 2) for f in (statistics.median, min, max)]
        print(json.dumps({"mode": mode, "times_full": found[0], "lowest": found[1], "highest": found[2]}))


def one(path: Path, mode: str, out: Path, threads: str) -> float:
    """Seconds of the second epoch's updates."""
    settings = [
        f"model.train={mode}", "training.epochs=2", f"training.batch_size={BATCH}", "training.seeds=1",
        f"training.threads={threads}", "evaluation.per_epoch=1", "evaluation.early_stopping=false",
        "evaluation.suspects=false", "evaluation.baselines=false", "data.split.test_share=0.1",
    ]  # fmt: skip
    seconds = Seconds()
    folder = train(ask({"data": str(path)}, settings), out, listeners=[seconds], report=False)
    record: dict[str, Any] = folder.record()
    line = {"mode": mode, "seconds": round(seconds.spent, 2), "run_seconds": record["seconds"],
            "value": json.loads(folder.scores.read_text())["test"][record["metric"]]["value"]}  # fmt: skip
    print(json.dumps(line), flush=True)
    return seconds.spent


if __name__ == "__main__":
    main()
