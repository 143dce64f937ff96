"""Long reviews read in windows against cut ones: imdb_sample, at 128 and 256 tokens, over seeds; JSON lines.

`python benchmarks/long_texts.py` trains all of it; `--rows 600 --lengths 128 --seeds 0` a small part. Each line has the
way, the tokens, the seed, the score on the test rows with its interval, and how long training and answering took. With
`--log FILE` the lines are kept there too, and what stands in it already is not run again.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl
from kept import Log

from bertune.runs.ask import ask
from bertune.runs.telling import Silent
from bertune.runs.train import train

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "imdb_sample"
WAYS: dict[str, dict[str, Any]] = {
    "head": {"task.keep": "head"},
    "head_tail": {"task.keep": "head_tail"},
    "windows mean": {"task.long_texts": "windows", "task.pooling": "mean"},
    "windows max": {"task.long_texts": "windows", "task.pooling": "max"},
    "windows attention": {"task.long_texts": "windows", "task.pooling": "attention"},
}


def run(way: str, length: int, seed: int, files: dict[str, str], more: dict[str, Any]) -> dict[str, Any]:
    """One run of the sample, read in one way."""
    fixed = {
        "model.max_length": length, "training.seeds": 1, "evaluation.suspects": False, "evaluation.baselines": False,
    }  # fmt: skip
    asked = {**files, "task": "text_classification", "model": "minilm", "seed": seed}
    with tempfile.TemporaryDirectory(prefix="bertune-") as place:
        teller, began = Silent(), time.perf_counter()
        folder = train(ask(asked, {**fixed, **WAYS[way], **more}), Path(place) / "run", teller=teller, report=False)
        scores = json.loads(folder.scores.read_text(encoding="utf-8"))["test"]
        speed = folder.record()["speed"]
    return {
        "way": way, "tokens": length, "seed": seed, "macro_f1": scores["macro_f1"], "log_loss": scores["log_loss"],
        "seconds": round(time.perf_counter() - began, 1),
        "predicted_per_second": round(speed["predict_texts_per_second"], 1),
        "told": next(text for kind, text in teller.heard if kind == "length"),
    }  # fmt: skip


def main() -> None:
    """Print one JSON line a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rows", type=int, default=0, help="training rows; 0: all")
    parser.add_argument("--test-rows", type=int, default=0, help="test rows; 0: all")
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=[*WAYS], default=[*WAYS])
    parser.add_argument("--epochs", type=float, default=0, help="0: as the plan says")
    parser.add_argument("--log", type=Path, help="keep the lines here, and go on where they end")
    asked = parser.parse_args()
    log = Log(asked.log)
    more = {"training.epochs": asked.epochs} if asked.epochs else {}
    with tempfile.TemporaryDirectory(prefix="bertune-") as place:
        files = {}
        for name, part, rows in (("data", "train", asked.rows), ("test", "test", asked.test_rows)):
            whole = pl.read_parquet(asked.data / f"{part}.parquet")
            some = whole.sample(min(rows or len(whole), len(whole)), shuffle=True, seed=0)
            files[name] = str(Path(place) / f"{part}.parquet")
            some.write_parquet(files[name])
        for seed in asked.seeds:
            for length in asked.lengths:
                for way in asked.ways:
                    key = {"way": way, "tokens": length, "seed": seed, "rows": asked.rows, "test_rows": asked.test_rows,
                           "set_to": more}  # fmt: skip
                    if log.find(key) is None:
                        log.add({**key, **run(way, length, seed, files, more)})


if __name__ == "__main__":
    main()
