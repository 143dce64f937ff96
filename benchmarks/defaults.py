"""Which learning rate, epochs and other defaults: trains over a grid on validation data alone and prints JSON lines.

    python benchmarks/defaults.py --sets sst2 banking77 --set optimizer.learning_rate=1e-4,2e-4 --set training.epochs=4

Every comma in a --set value opens one more column of the grid. The test files of the sets are never read: the
validation rows are the set's own validation file or cut from its training file.
"""

import argparse
import itertools
import json
import shutil
import tempfile
import time
from pathlib import Path

from bertune.engine.devices import compute
from bertune.engine.interrupt import Watch
from bertune.runs import build
from bertune.runs.ask import ask
from bertune.runs.fit import Fit
from bertune.runs.folder import Folder
from bertune.runs.prepare import prepare
from bertune.runs.telling import Silent

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SETS = {  # name: (training file, validation file or None, share cut off for validation)
    "sst2": ("sst2_sentences/train.parquet", "sst2_sentences/dev.parquet", 0.0),
    "banking77": ("banking77/train.parquet", None, 0.15),
    "rte": ("rte/train.parquet", None, 0.2),
    "sms": ("sms_spam/all.parquet", None, 0.2),
    "imdb": ("imdb_sample/train.parquet", None, 0.2),
    "snli": ("xnli/snli_en_train.parquet", None, 0.15),
}


class Curve:
    """Keeps every judging."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float, float]] = []

    def on_evaluated(self, event) -> None:
        """Note epoch, metric and loss."""
        self.points.append((round(event.epoch, 2), round(event.scores["accuracy"], 4), round(event.loss, 4)))


def trial(name: str, settings: list[str], seed: int) -> dict:
    """Train once; gives the curve on the validation rows."""
    train, valid, share = SETS[name]
    flags = {"data": str(DATA / train), "valid": str(DATA / valid) if valid else None, "seed": seed}
    fixed = [
        "training.seeds=1",
        "evaluation.early_stopping=false",
        "data.split.test_share=0.0",
        "training.restart_on_collapse=false",
    ]
    if valid is None:
        fixed += [f"data.split.valid_share={share}"]
    recipe = ask(flags, [*fixed, *settings])
    folder = Folder(Path(tempfile.mkdtemp()))
    try:
        with Watch() as watch:
            machine = compute(recipe.training)
            prepared = prepare(recipe, Silent())
            stores = build.stores(prepared, folder.store)
            curve = Curve()
            fit = Fit(recipe, prepared, stores, folder, machine, Silent(), watch, {}, [curve])
            began = time.perf_counter()
            fitted = fit.run()
        plan = fitted.plan
        return {
            "set": name, "seed": seed, "settings": settings, "rate": plan.learning_rate, "epochs": plan.epochs,
            "batch": plan.batch_size, "last": curve.points[-1], "best": max(p[1] for p in curve.points),
            "kept": fitted.best, "texts_per_second": round(fitted.stopped.texts_per_second, 1),
            "seconds": round(time.perf_counter() - began, 1), "curve": curve.points,
        }  # fmt: skip
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)


def main() -> None:
    """Run the grid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="key=v1,v2")
    asked = parser.parse_args()
    columns = [[f"{s.split('=')[0]}={v}" for v in s.split("=")[1].split(",")] for s in asked.settings]
    for name, seed in itertools.product(asked.sets, asked.seeds):
        for settings in itertools.product(*columns):
            print(json.dumps(trial(name, list(settings), seed)), flush=True)


if __name__ == "__main__":
    main()
