"""Every reading task with the defaults, beside a Hugging Face Trainer on the same rows, tokens, head and scorer.

    python benchmarks/reading_tasks.py --sets stsb --side ours --seeds 0 1 2       bertune with its defaults
    python benchmarks/reading_tasks.py --sets stsb --side usual --seeds 0 1 2      the usual recipe: 5e-5, 3 epochs
    python benchmarks/reading_tasks.py --sets stsb --side tuned --seeds 0 1 2      tuned on validation rows

The Trainer trains the plain transformers class of the task from the same pretrained weights, on the very token ids and
targets that bertune prepares, with AdamW, linear decay, batch 32, bf16 where the machine has it and texts grouped by
length; its last weights are scored. What it answers is read and scored by the same code (thresholds of several labels
stay at 0.5, numbers are learnt as they are). Tuned are first the learning rate, of 5e-5, 1e-4, 2e-4, 3e-4 with 3
epochs, then the epochs, of 3, 5, 8 with the best rate, on validation rows with seed 0; the choice is then trained with
every seed. Large training sets are cut to their first 10,000 rows for both sides. Prints one JSON line a run; with
`--log FILE` the lines are kept there too, and what stands in it already is not run again.

    pip install accelerate
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from kept import Log

from bertune.base import registry
from bertune.base.recipe import Recipe
from bertune.base.types import Answers, Batch, Judged
from bertune.evaluate.intervals import interval
from bertune.evaluate.predict import predict
from bertune.model.packing import pad
from bertune.runs import build
from bertune.runs.ask import ask
from bertune.runs.prepare import Prepared, prepare
from bertune.runs.telling import Silent
from bertune.runs.train import train

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
MOST_ROWS = 10_000
RATES, EPOCHS = (5e-5, 1e-4, 2e-4, 3e-4), (3, 5, 8)
SETS: dict[str, tuple[dict[str, str], list[str]]] = {
    "goemotions": ({"data": "goemotions/train.parquet", "valid": "goemotions/dev.parquet",
                    "test": "goemotions/test.parquet"}, []),
    "stsb": ({"data": "stsb/train.parquet", "valid": "stsb/dev.parquet", "test": "stsb/test.parquet"}, []),
    "asap_aes": ({"data": "asap_aes/sample.parquet"},
                 ["task.name=regression", "data.text=essay", "data.label=score", "task.by=prompt_id",
                  "task.rounding=whole", "evaluation.metric=quadratic_weighted_kappa",
                  "evaluation.slices=['prompt_id']", "data.split.test_share=0.2"]),
    "conll2003": ({"data": "conll2003/train.parquet", "valid": "conll2003/testa.parquet",
                   "test": "conll2003/testb.parquet"}, []),
    "semeval": ({"data": "semeval2010_task8/train.parquet", "test": "semeval2010_task8/test.parquet"}, []),
    "squad": ({"data": "squad_v1_dev/dev.parquet"}, ["data.split.test_share=0.2"]),
    "codah": ({"data": "codah/train.parquet", "valid": "codah/dev.parquet", "test": "codah/test.parquet"}, []),
    "xnli": ({"data": "xnli/snli_en_train.parquet", "valid": "xnli/en_dev.parquet",
              "test": "xnli/en_test.parquet"}, []),
    "imdb": ({"data": "imdb_sample/train.parquet", "test": "imdb_sample/test.parquet"}, ["data.label=label"]),
    "sst2": ({"data": "sst2_sentences/train.parquet", "valid": "sst2_sentences/dev.parquet",
              "test": "sst2_sentences/test.parquet"}, []),
    "banking77": ({"data": "banking77/train.parquet", "test": "banking77/test.parquet"}, []),
}  # fmt: skip


def recipe_of(name: str, seed: int, rows: int | None, scratch: Path, more: list[str]) -> Recipe:
    """The recipe of a set; training rows beyond `rows` (at most 10,000) are cut: the first, or drawn by the seed."""
    files, fixed = SETS[name]
    flags = {flag: str(DATA / path) for flag, path in files.items()} | {"seed": seed}
    table = pl.read_parquet(flags["data"])
    most = min(rows or MOST_ROWS, MOST_ROWS)
    if len(table) > most:
        table = table.sample(most, seed=seed, shuffle=True) if rows else table.head(most)
        flags["data"] = str(scratch / "train.parquet")
        table.write_parquet(flags["data"])
    return ask(flags, [*fixed, *more])


def ours(name: str, seed: int, rows: int | None, scratch: Path, more: list[str]) -> dict[str, Any]:
    """A run with the defaults."""
    recipe = recipe_of(name, seed, rows, scratch, ["evaluation.suspects=false", *more])
    began = time.perf_counter()
    folder = train(recipe, scratch / "run")
    scores, record = json.loads(folder.scores.read_text()), folder.record()
    test = {metric: score["value"] for metric, score in scores["test"].items()}
    one = scores["test"][record["metric"]]
    return {
        "metric": record["metric"], "value": one["value"], "interval": [one["low"], one["high"]], "n": one["n"],
        "test": test, "baselines": {b: s[record["metric"]]["value"] for b, s in scores.get("baselines", {}).items()},
        "fixed_threshold": scores.get("fixed_threshold"), "seeds": scores.get("seeds"), "plan": record["plan"],
        "best": record["best"], "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


class Rows(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """The rows of a store by number; the ids are there for the Trainer to see their lengths, and to group by."""

    def __init__(self, lengths: Any) -> None:
        self.lengths = lengths.tolist()

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return {"row": row, "input_ids": [0] * self.lengths[row]}


def as_arguments(prepared: Prepared, batch: Batch, pad_id: int) -> dict[str, torch.Tensor]:
    """What the plain transformers class of the task takes, labels included."""
    task, given = prepared.rows.task, pad(batch, pad_id)
    if task.head == "question_answering":
        return given | {"start_positions": batch.targets[:, 0], "end_positions": batch.targets[:, 1]}
    real = given.get("attention_mask", torch.ones_like(given["input_ids"])).bool()
    if task.head == "token_classification":
        labels = torch.full(given["input_ids"].shape, -100)
        labels[real] = batch.targets
        return given | {"labels": labels}
    if task.head == "entity_pair":
        marker = torch.zeros(given["input_ids"].shape, dtype=torch.int64)
        marker[real] = batch.beside["marker"].to(torch.int64)
        places = {"first": (marker & 1).argmax(dim=1), "second": (marker & 2).argmax(dim=1)}
        return given | places | {"labels": batch.targets}
    if task.head == "multiple_choice":
        counts = torch.bincount(batch.owner)
        if int(counts.min()) != int(counts.max()):
            raise SystemExit("the Trainer's class needs equally many choices a row")
        return {n: v.reshape(len(counts), -1, v.shape[1]) for n, v in given.items()} | {"labels": batch.targets}
    labels = batch.targets if task.kind == "class" else batch.targets.float()
    return given | {"labels": labels}


def pair_loss(model: Any, inputs: dict[str, Any], return_outputs: bool = False, **_: Any) -> Any:
    """The Trainer's loss where two marked places of a text answer together, for which transformers has no class."""
    labels, first, second = (inputs.pop(name) for name in ("labels", "first", "second"))
    found = model(**inputs)
    row, classes = torch.arange(len(labels)), found.logits.shape[2] // 2
    logits = found.logits[row, first, :classes] + found.logits[row, second, classes:]
    loss = torch.nn.functional.cross_entropy(logits.float(), labels)
    return (loss, found) if return_outputs else loss


def trained(prepared: Prepared, stores: build.Stores, rate: float, epochs: float, seed: int, scratch: Path) -> Any:
    """A model that the Trainer trained."""
    from transformers import Trainer, TrainingArguments

    recipe = ask({}, ["model.name=" + str(prepared.chosen.folder)])
    model = build.network(recipe, prepared, seed)
    store = stores.train
    bf16 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    arguments = TrainingArguments(
        output_dir=str(scratch / "trainer"), per_device_train_batch_size=32, bf16=bf16, learning_rate=rate,
        use_cpu=not torch.cuda.is_available(), num_train_epochs=epochs, lr_scheduler_type="linear", seed=seed,
        train_sampling_strategy="group_by_length", save_strategy="no", report_to=[], logging_strategy="no",
        disable_tqdm=True, remove_unused_columns=False,
    )  # fmt: skip

    def collate(rows: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
        batch = store.batch(np.array([row["row"] for row in rows]))
        return as_arguments(prepared, batch, prepared.tokenizer.pad_id)

    trainer = Trainer(model=model.network, args=arguments, train_dataset=Rows(store.lengths), data_collator=collate)
    if prepared.rows.task.head == "entity_pair":
        trainer.compute_loss = pair_loss  # type: ignore[method-assign]
    trainer.train()
    model.network.eval()
    return model


def judged(prepared: Prepared, model: Any, store: Any, split: str) -> Judged:
    """What the model says of a split, read by the task without anything tuned."""
    found: Answers = predict(model, store, batch_size=64, max_tokens=16384)
    task, examples, classes = prepared.rows.task, prepared.examples(split), prepared.classes
    unit = prepared.unit
    return task.judged(examples, task.decode(examples, store, found.scaled(unit), classes, unit), classes)


def tuned_for(key: dict[str, Any], log: Log, value: Callable[[float, int], float]) -> tuple[float, int]:
    """The learning rate with the highest value on validation rows, and then the epochs."""

    def tried(rate: float, epochs: int) -> float:
        point = {**key, "tried_rate": rate, "tried_epochs": epochs}
        line = log.find(point) or log.add({**point, "valid": value(rate, epochs)})
        return float(line["valid"])

    best = max(RATES, key=lambda rate: tried(rate, EPOCHS[0]))
    return best, max(EPOCHS, key=lambda epochs: tried(best, epochs))


def beside(
    name: str, seed: int, rows: int | None, scratch: Path, more: list[str], side: str, log: Log
) -> dict[str, Any]:
    """The Trainer's run with the usual recipe, or with what was tuned on validation rows."""
    prepared = prepare(recipe_of(name, seed, rows, scratch, more), Silent())
    stores = build.stores(prepared, scratch / "store")
    recipe = recipe_of(name, seed, rows, scratch, more)
    asked = recipe.evaluation.metric
    metric_name = prepared.rows.task.metrics[0] if asked == "auto" else asked
    metric = registry.load("metrics", metric_name)()
    sign = 1 if metric.best == "high" else -1
    rate, epochs, began = 5e-5, 3, time.perf_counter()
    if side == "tuned":

        def on_valid(rate: float, epochs: int) -> float:
            model = trained(prepared, stores, rate, epochs, 0, scratch)
            return sign * float(metric(judged(prepared, model, stores.valid, "valid")))

        drawn = {} if rows is None else {"drawn": seed}  # rows drawn by the seed are tuned for by themselves
        rate, epochs = tuned_for({"set": name, "rows": rows, "set_to": more, **drawn}, log, on_valid)
    model = trained(prepared, stores, rate, epochs, seed, scratch)
    test = judged(prepared, model, stores.test, "test")
    score = interval(metric, test, 1000, 0)
    return {
        "metric": metric_name, "value": score.value, "interval": [score.low, score.high], "n": score.n,
        "test": {m: float(registry.load("metrics", m)()(test)) for m in prepared.rows.task.metrics},
        "learning_rate": rate, "epochs": epochs, "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def main() -> None:
    """One line for each set and seed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--side", choices=["ours", "usual", "tuned"], default="ours")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--rows", type=int, help="training rows, drawn by the seed: the little-data table")
    parser.add_argument("--set", action="append", default=[], dest="settings", metavar="key=value")
    parser.add_argument("--log", type=Path, help="keep the lines here, and go on where they end")
    asked = parser.parse_args()
    log = Log(asked.log)
    for name in asked.sets:
        for seed in asked.seeds:
            key = {"set": name, "side": asked.side, "seed": seed, "rows": asked.rows, "set_to": asked.settings}
            if log.find(key) is not None:
                continue
            with tempfile.TemporaryDirectory() as place:
                given = name, seed, asked.rows, Path(place), asked.settings
                found = ours(*given) if asked.side == "ours" else beside(*given, asked.side, log)
            log.add({**key, **found})


if __name__ == "__main__":
    main()
