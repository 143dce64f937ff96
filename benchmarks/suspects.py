"""Are the suspected wrong labels wrong? Turns over labels of real training rows, and prints JSON lines.

    python benchmarks/suspects.py                             precision of the first 50, 3 sets, 10 % and 20 %, 3 seeds
    python benchmarks/suspects.py --regain --sets banking77   and what correcting brings back: three trainings a line

A label is turned over to another class, each with the same chance. `precision` is the share of the first 50 suspects
whose label had been turned over, `found` the share of the turned labels among as many suspects. With --regain a model
is trained on the clean labels, on the turned ones, and on those where as many suspects as labels were turned got their
true label back; accuracies are of the test file, `regained` is the share of the loss that came back. With `--log FILE`
the lines, and each training, are kept there too, and what stands in it already is not run again.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from kept import Log

from bertune.engine.devices import compute
from bertune.engine.interrupt import Watch
from bertune.evaluate.suspects import out_of_sample, suspects
from bertune.runs import build
from bertune.runs.ask import ask
from bertune.runs.prepare import prepare
from bertune.runs.telling import Silent
from bertune.runs.train import train
from bertune.runs.wrong_labels import mean_states

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {  # training file, test file, rows (None: all)
    "banking77": ("banking77/train.parquet", "banking77/test.parquet", None),
    "sst2": ("sst2_sentences/train.parquet", "sst2_sentences/test.parquet", None),
    "imdb500": ("imdb_sample/train.parquet", "imdb_sample/test.parquet", 500),
}
FIRST = 50
FIRST_ROW = 1  # rows of a table file are numbered from 1


def turned(labels: list, share: float, seed: int) -> tuple[list, np.ndarray]:
    """Labels of which a share is another class, and the positions of those."""
    chance = np.random.default_rng(seed)
    classes = sorted(set(labels))
    positions = np.sort(chance.choice(len(labels), round(share * len(labels)), replace=False))
    found = list(labels)
    for i in positions.tolist():
        found[i] = chance.choice([c for c in classes if c != labels[i]])
    return found, positions


def suspected(path: Path, seed: int, settings: list[str]) -> list[int]:
    """Row numbers (from 0) of the suspects among the training rows of a file, the surest first."""
    recipe = ask(
        {"data": str(path), "seed": seed}, ["data.split.test_share=0.0", "data.split.valid_share=0.0", *settings]
    )
    with tempfile.TemporaryDirectory() as place, Watch() as watch:
        prepared = prepare(recipe, Silent())
        stores = build.stores(prepared, Path(place))
        machine = compute(recipe.training)
        model = build.network(recipe, prepared, seed)
        rows = np.arange(len(stores.train))
        features = mean_states(model, stores.train, rows, recipe, machine, watch)
        targets = stores.train.classes
        groups = prepared.rows.near[prepared.splits.train]
        texts, pairs = prepared.texts(prepared.splits.train)
        judged = out_of_sample(features, texts, pairs, targets, len(prepared.classes), seed, groups)
        found = suspects(judged, targets)
        numbers = prepared.rows.table.row[prepared.splits.train]
        return [int(numbers[s.row]) - FIRST_ROW for s in found]


def accuracy(path: Path, test: str, seed: int, settings: list[str]) -> float:
    """Test accuracy of a run with the defaults."""
    recipe = ask({"data": str(path), "test": str(DATA / test), "seed": seed},
                 ["evaluation.baselines=false", "evaluation.suspects=false", *settings])  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        folder = train(recipe, Path(place) / "run", report=False)
        return float(json.loads(folder.scores.read_text())["test"]["accuracy"]["value"])


def line(name: str, share: float, seed: int, regain: bool, settings: list[str], log: Log) -> dict:
    """One line of the table; each training is kept in the log."""
    source, test, rows = SETS[name]
    table = pl.read_parquet(DATA / source)
    if rows:
        table = table.sample(rows, seed=seed, shuffle=True)
    truth = table["label"].to_list()
    with tempfile.TemporaryDirectory() as place:
        labels, positions = turned(truth, share, seed)
        path = Path(place) / "turned.parquet"
        table.with_columns(pl.Series("label", labels)).write_parquet(path)
        found, wrong = suspected(path, seed, settings), set(positions.tolist())
        looked = found[: len(wrong)]
        told = {
            "set": name, "share": share, "seed": seed, "rows": len(truth), "turned": len(wrong), "suspects": len(found),
            "precision": sum(i in wrong for i in found[:FIRST]) / FIRST,
            "found": round(sum(i in wrong for i in looked) / len(wrong), 3),
        }  # fmt: skip
        if regain:
            corrected = list(labels)
            for i in looked:
                corrected[i] = truth[i]
            for kind, those in {"clean": truth, "turned_over": labels, "corrected": corrected}.items():
                key = {"set": name, "seed": seed, "trained_on": kind, "set_to": settings}
                if kind != "clean":  # the true labels are the same whatever share is turned
                    key["share"] = share
                table.with_columns(pl.Series("label", those)).write_parquet(path)
                known = log.find(key) or log.add({**key, "accuracy": accuracy(path, test, seed, settings)})
                told[kind] = round(known["accuracy"], 4)
            lost = told["clean"] - told["turned_over"]
            told["regained"] = round((told["corrected"] - told["turned_over"]) / lost, 3) if lost > 0 else None
    return told


def main() -> None:
    """Print a line for each set, share and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.2])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--regain", action="store_true")
    parser.add_argument(
        "--set", action="append", default=[], metavar="section.key=value", help="for search and trainings"
    )
    parser.add_argument("--log", type=Path, help="keep the lines here, and go on where they end")
    asked = parser.parse_args()
    log = Log(asked.log)
    for name in asked.sets:
        for seed in asked.seeds:
            for share in asked.shares:
                key = {"set": name, "share": share, "seed": seed, "regain": asked.regain, "set_to": asked.set}
                if log.find(key) is None:
                    log.add({**key, **line(name, share, seed, asked.regain, asked.set, log)})


if __name__ == "__main__":
    main()
