"""Are the suspected wrong labels wrong? Turns over labels of real training rows, and prints JSON lines.

    python benchmarks/suspects.py                             precision of the first 50: a training a line
    python benchmarks/suspects.py --regain --sets banking77   and what correcting brings back: three trainings a line

A label is turned over to another class, each with the same chance, and a run with the defaults is made: its suspects
are those of suspects.json, which are rows that it trains on (not those that it splits off to validate). `precision` is
the share of the first 50 suspects whose label had been turned over, `found` the share of all turned labels among as
many suspects. With --regain a model is trained on the clean labels too, and on those where as many suspects as labels
were turned got their true label back; accuracies are of the test file, `regained` is the share of the loss that came
back. With `--log FILE` the lines, and each training, are kept there too, and what stands in it already is not run
again.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
from kept import Log

from bertune.runs.ask import ask
from bertune.runs.train import train

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {  # training file, test file, rows (None: all)
    "banking77": ("banking77/train.parquet", "banking77/test.parquet", None),
    "sst2": ("sst2_sentences/train.parquet", "sst2_sentences/test.parquet", None),
    "imdb500": ("imdb_sample/train.parquet", "imdb_sample/test.parquet", 500),
}
FIRST = 50
FEW = 100  # test rows of a run whose suspects alone are looked at
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


def run(path: Path, test: Path, seed: int, settings: list[str], look: bool) -> tuple[float, list[int]]:
    """Test accuracy of a run with the defaults, and the row numbers (from 0) of its suspects, the surest first."""
    recipe = ask({"data": str(path), "test": str(test), "seed": seed},
                 ["evaluation.baselines=false", f"evaluation.suspects={str(look).lower()}", *settings])  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        folder = train(recipe, Path(place) / "run", report=False)
        accuracy = float(json.loads(folder.scores.read_text())["test"]["accuracy"]["value"])
        found = json.loads((folder.path / "suspects.json").read_text()) if look else []
    return accuracy, [entry["row"] - FIRST_ROW for entry in found]


def line(name: str, share: float, seed: int, regain: bool, settings: list[str], log: Log) -> dict:
    """One line of the table; each training is kept in the log."""
    source, test, rows = SETS[name]
    table = pl.read_parquet(DATA / source)
    if rows:
        table = table.sample(rows, seed=seed, shuffle=True)
    truth = table["label"].to_list()
    labels, positions = turned(truth, share, seed)
    wrong = set(positions.tolist())

    def key_of(kind: str) -> dict:
        key = {"set": name, "seed": seed, "trained_on": kind, "set_to": settings}
        # The true labels are the same whatever share is turned.
        return key if kind == "clean" else key | {"share": share, "by": "either"}

    def trained(kind: str, those: list, look: bool = False, few: bool = False) -> dict:
        if (known := log.find(key_of(kind))) is None:
            tests = pl.read_parquet(DATA / test)
            with tempfile.TemporaryDirectory() as place:
                table.with_columns(pl.Series("label", those)).write_parquet(path := Path(place) / "rows.parquet")
                (tests.sample(FEW, seed=seed) if few else tests).write_parquet(judge := Path(place) / "test.parquet")
                accuracy, found = run(path, judge, seed, settings, look)
            known = log.add({**key_of(kind), "accuracy": accuracy, **({"suspects": found} if look else {})})
        return known

    # Where the accuracy of the run does not count, few texts to test spare half of its time.
    few = not regain and log.find(key_of("turned_over")) is None
    told: dict = {"set": name, "share": share, "seed": seed, "rows": len(truth), "turned": len(wrong)}
    kind = f"turned_over, {FEW} tested" if few else "turned_over"
    turned_over = trained(kind, labels, look=True, few=few)
    found = turned_over["suspects"]
    looked = found[: len(wrong)]
    told |= {
        "suspects": len(found), "precision": sum(i in wrong for i in found[:FIRST]) / FIRST,
        "precision_of_all": round(sum(i in wrong for i in found) / max(1, len(found)), 3),
        "found": round(sum(i in wrong for i in looked) / len(wrong), 3),
    }  # fmt: skip
    if regain:
        told["turned_over"] = turned_over["accuracy"]
        corrected = list(labels)
        for i in looked:
            corrected[i] = truth[i]
        for kind, those in {"clean": truth, "corrected": corrected}.items():
            told[kind] = trained(kind, those)["accuracy"]
        lost = told["clean"] - told["turned_over"]
        told["regained"] = round((told["corrected"] - told["turned_over"]) / lost, 3) if lost > 0 else None
    return {key: round(value, 4) if isinstance(value, float) else value for key, value in told.items()}


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
                key = {"set": name, "share": share, "seed": seed, "regain": asked.regain, "by": "either",
                       "set_to": asked.set}  # fmt: skip
                if log.find(key) is None:
                    log.add({**key, **line(name, share, seed, asked.regain, asked.set, log)})


if __name__ == "__main__":
    main()
