"""Which check to keep: rules of choosing on few validation rows, judged on many others; prints JSON lines.

    python benchmarks/selection.py --sets sst2 sms --rows 400 --seeds 0 1

Trains without early stopping on `--rows` training rows and notes the probabilities of every validation row at each
check. Then, 200 times, it draws 50 (100, 200, 400) of them, lets each rule choose a check by these, and scores the
chosen check on all the others. `lost` is the mean distance to the best check of the run, in points of macro-F1 and of
accuracy. Test files are never read.
"""

import argparse
import functools
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from defaults import DATA, SETS

from bertune.base import registry
from bertune.base.types import Judged
from bertune.engine.devices import compute
from bertune.engine.interrupt import Watch
from bertune.evaluate.standard_error import standard_error
from bertune.metrics._calibration import softmax
from bertune.runs import build, fit
from bertune.runs.ask import ask
from bertune.runs.folder import Folder
from bertune.runs.prepare import prepare
from bertune.runs.telling import Silent

Rule = Callable[[np.ndarray, np.ndarray, Callable[[int], float]], int]
FIXED = [
    "training.seeds=1",
    "evaluation.early_stopping=false",
    "data.split.test_share=0.0",
    "training.restart_on_collapse=false",
]


def best_score(score: np.ndarray, loss: np.ndarray, error: Callable[[int], float]) -> int:
    """The highest score; of equals the lowest loss."""
    return max(range(len(score)), key=lambda i: (score[i], -loss[i]))


def lowest_loss(score: np.ndarray, loss: np.ndarray, error: Callable[[int], float]) -> int:
    """The lowest log loss."""
    return int(np.argmin(loss))


def last(score: np.ndarray, loss: np.ndarray, error: Callable[[int], float]) -> int:
    """The last check."""
    return len(score) - 1


def latest_near(errors: float) -> Rule:
    """The latest check whose score is within so many standard errors of the best."""

    def rule(score: np.ndarray, loss: np.ndarray, error: Callable[[int], float]) -> int:
        return int(np.flatnonzero(score >= score.max() - errors * error(int(score.argmax())))[-1])

    return rule


def lowest_loss_near(errors: float) -> Rule:
    """The lowest loss among the checks whose score is within so many standard errors of the best."""

    def rule(score: np.ndarray, loss: np.ndarray, error: Callable[[int], float]) -> int:
        near = np.flatnonzero(score >= score.max() - errors * error(int(score.argmax())))
        return int(near[np.argmin(loss[near])])

    return rule


RULES: dict[str, Rule] = {
    "best score": best_score, "lowest loss": lowest_loss, "last": last,
    "latest within 0.5 errors": latest_near(0.5), "latest within 1 error": latest_near(1.0),
    "lowest loss within 0.5 errors": lowest_loss_near(0.5), "lowest loss within 1 error": lowest_loss_near(1.0),
}  # fmt: skip


def noted(name: str, rows: int, seed: int, settings: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """(checks, rows, classes) of probabilities and the (rows,) of gold classes."""
    train, valid, _share = SETS[name]
    with tempfile.TemporaryDirectory() as place, Watch() as watch:
        table = pl.read_parquet(DATA / train).sample(fraction=1.0, shuffle=True, seed=seed)
        table.head(rows).write_parquet(Path(place) / "train.parquet")
        rest = pl.read_parquet(DATA / valid) if valid else table.slice(rows, 2000)
        rest.write_parquet(Path(place) / "valid.parquet")
        flags = {"data": f"{place}/train.parquet", "valid": f"{place}/valid.parquet", "seed": seed}
        recipe = ask(flags, [*FIXED, *settings])
        prepared = prepare(recipe, Silent())
        folder = Folder(Path(place) / "run")
        kept: list[np.ndarray] = []
        predict = fit.predict

        def noting(*args, **kwargs):  # the loop's own judging, overheard
            answers = predict(*args, **kwargs)
            kept.append(softmax(np.nan_to_num(answers.logits)))
            return answers

        fit.predict = noting
        try:
            stores = build.stores(prepared, folder.store)
            gold = np.array(stores.valid.targets)
            machine = compute(recipe.training)
            fit.Fit(recipe, prepared, stores, folder, machine, Silent(), watch, {}).run()
        finally:
            fit.predict = predict
    return np.stack(kept), gold


def lost(probabilities: np.ndarray, gold: np.ndarray, few: int, metric: str, draws: int = 200) -> dict[str, float]:
    """Mean points lost by each rule against the best check, where each rule sees `few` rows."""
    measure = registry.load("metrics", metric)()
    names = tuple(str(n) for n in range(probabilities.shape[2]))
    judged = [Judged(gold, p.argmax(1), p, names) for p in probabilities]
    surprise = -np.log(np.clip(probabilities[:, np.arange(len(gold)), gold], 1e-12, 1))
    chance = np.random.default_rng(0)
    sums = dict.fromkeys(RULES, 0.0)
    for _ in range(draws):
        order = chance.permutation(len(gold))
        seen, unseen = order[:few], order[few:]
        shown = [of.take(seen) for of in judged]
        score = np.array([measure(of) for of in shown])
        truth = np.array([measure(of.take(unseen)) for of in judged])
        error = functools.cache(lambda check, shown=shown: standard_error(measure, shown[check]))
        for name, rule in RULES.items():
            sums[name] += 100 * float(truth.max() - truth[rule(score, surprise[:, seen].mean(1), error)])
    return {name: round(value / draws, 2) for name, value in sums.items()}


def main() -> None:
    """Note and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=["sst2", "sms", "banking77"], choices=list(SETS))
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="key=value")
    asked = parser.parse_args()
    for name in asked.sets:
        for seed in asked.seeds:
            probabilities, gold = noted(name, asked.rows, seed, asked.settings)
            for few in (50, 100, 200, 400):
                for metric in ("macro_f1", "accuracy"):
                    print(json.dumps({"set": name, "seed": seed, "rows": asked.rows, "checks": len(probabilities),
                                      "chosen on": few, "metric": metric,
                                      "lost": lost(probabilities, gold, few, metric)}), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
