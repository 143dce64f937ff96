"""Does labelling what `bertune suggest` names teach more than labelling at random? Prints JSON lines.

    python benchmarks/suggest.py                     3 sets, 3 seeds: 50 rows to begin with, 50 more of either kind

A model is trained on 50 rows; then on those and 50 more of the others, once suggested and once drawn. Accuracies are of
the test file. Test rows choose nothing.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from bertune.base.types import Examples
from bertune.evaluate.saved import load
from bertune.runs.ask import ask
from bertune.runs.new_rows import of_texts
from bertune.runs.suggest import suggest
from bertune.runs.train import train

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {  # training file, test file, text column
    "sst2": ("sst2_sentences/train.parquet", "sst2_sentences/test.parquet", "sentence"),
    "sms_spam": ("sms_spam/all.parquet", None, "text"),
    "banking77": ("banking77/train.parquet", "banking77/test.parquet", "text"),
}
POOL = 1000  # rows that the 50 are chosen from


def fitted(rows: pl.DataFrame, test: pl.DataFrame, place: Path, seed: int, text: str) -> tuple[Path, float]:
    """The run folder of a training and its accuracy on the test rows."""
    rows.write_parquet(place / "train.parquet")
    test.write_parquet(place / "test.parquet")
    recipe = ask(
        {"data": str(place / "train.parquet"), "test": str(place / "test.parquet"), "seed": seed, "text": text,
         "label": "label"},
        ["evaluation.baselines=false", "evaluation.suspects=false", "training.seeds=1", "data.split.valid_share=0.0"],
    )  # fmt: skip
    folder = train(recipe, place / f"run-{len(rows)}-{np.random.default_rng().integers(1 << 30)}", report=False)
    return folder.path, float(json.loads(folder.scores.read_text())["test"]["accuracy"]["value"])


def line(name: str, seed: int, begin: int, more: int) -> dict:
    """One line of the table."""
    source, test_file, text = SETS[name]
    table = pl.read_parquet(DATA / source).sample(fraction=1.0, seed=seed, shuffle=True)
    test = table[POOL + begin :].head(2000) if test_file is None else pl.read_parquet(DATA / test_file)
    first, pool = table[:begin], table[begin : begin + POOL]
    with tempfile.TemporaryDirectory() as place:
        run, start = fitted(first, test, Path(place), seed, text)
        saved = load(run)
        examples: Examples = of_texts(saved, pool[text].to_list(), None)
        named = [s.position for s in suggest(saved, examples, more)]
        drawn = np.random.default_rng(seed).choice(len(pool), more, replace=False).tolist()
        found = {kind: fitted(pl.concat([first, pool[rows]]), test, Path(place), seed, text)[1]
                 for kind, rows in (("suggested", named), ("drawn", drawn))}  # fmt: skip
    return {"set": name, "seed": seed, "begin": begin, "more": more, "start": round(start, 4),
            **{kind: round(value, 4) for kind, value in found.items()}}  # fmt: skip


def main() -> None:
    """Print a line for each set and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--begin", type=int, default=50)
    parser.add_argument("--more", type=int, default=50)
    asked = parser.parse_args()
    for name in asked.sets:
        for seed in asked.seeds:
            print(json.dumps(line(name, seed, asked.begin, asked.more)), flush=True)


if __name__ == "__main__":
    main()
